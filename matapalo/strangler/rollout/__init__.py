"""A rollout: a plan of percentages as one durable Temporal workflow a route, judged by gates."""
