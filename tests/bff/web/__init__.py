"""Tests of bff.web."""
