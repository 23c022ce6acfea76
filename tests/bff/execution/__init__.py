"""Tests of bff.execution."""
