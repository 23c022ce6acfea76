"""The business that both clients share."""
