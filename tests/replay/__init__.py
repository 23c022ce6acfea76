"""Workflow histories that were recorded once must replay for as long as such an order may still run."""
