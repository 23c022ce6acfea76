"""The rules of routing, on values alone."""
