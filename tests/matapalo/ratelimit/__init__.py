"""Tests of `matapalo.ratelimit`."""
