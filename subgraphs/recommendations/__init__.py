"""Recommendations: what to show a customer, or everybody."""
