"""The REST client: pool, deadlines, retries with back-off, single-flight, error mapping; two transports."""
