"""Payments: what was charged for an order, and what was given back."""
