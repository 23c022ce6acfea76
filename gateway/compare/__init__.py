"""Watching both sides of a route: what Envoy counts, what shadow reads differ in, and the verdict on it."""
