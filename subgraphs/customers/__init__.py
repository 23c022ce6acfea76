"""Customers: who they are, where they live, what they prefer."""
