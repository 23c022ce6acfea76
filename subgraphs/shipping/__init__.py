"""Shipping: parcels on their way."""
