"""Tests of `matapalo.ratelimit.store.ports`."""
