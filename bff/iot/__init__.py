"""The iot client: devices that show and acknowledge their owner's deliveries, by the ids of persisted operations."""
