"""What the rate limiter adds to an operation, and what a refused operation costs: `python -m benchmarks.limited`."""
