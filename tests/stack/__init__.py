"""The whole platform on its real engines."""
