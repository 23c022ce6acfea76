"""Where counts are kept: Redis with its scripts, calls in batches, the circuit breaker, the local fallback."""
