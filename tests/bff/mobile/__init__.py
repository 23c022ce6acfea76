"""Tests of bff.mobile."""
