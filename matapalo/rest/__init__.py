"""The REST client: pool, deadlines, retries, coalescing, error mapping. Two transports, one small interface."""
