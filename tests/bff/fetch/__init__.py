"""Tests of bff.fetch."""
