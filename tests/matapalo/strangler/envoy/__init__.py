"""What Envoy is given, and the agent that gives it."""
