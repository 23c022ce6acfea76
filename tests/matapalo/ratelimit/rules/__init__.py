"""Tests of `matapalo.ratelimit.rules`."""
