"""Tests of `bff.endpoint`."""
