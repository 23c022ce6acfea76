"""What the rate limiter adds to an operation, and what a denied operation costs: `python -m benchmarks.limited`."""
