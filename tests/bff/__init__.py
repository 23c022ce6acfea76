"""Tests of `bff`."""
