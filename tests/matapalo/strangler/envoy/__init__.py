"""Tests of `matapalo.strangler.envoy`."""
