"""Inventory: how many units there are, and how many are promised to orders."""
