"""What both sides of a route did: collected from Envoy, kept in Redis, read by gates, API and console."""
