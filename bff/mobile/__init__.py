"""The schema of the mobile app: lean, persisted operations only."""
