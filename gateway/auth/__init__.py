"""Tokens of the gateway's own callers, and the keys that verify them."""
