"""Tests of `bff.ratelimit`."""
