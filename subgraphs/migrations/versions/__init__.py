"""Migrations, oldest first. Each says what it changes; none imports `tables.py`, which moves on."""
