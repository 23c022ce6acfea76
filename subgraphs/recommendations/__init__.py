"""Recommendations: what to show a customer, or all callers."""
