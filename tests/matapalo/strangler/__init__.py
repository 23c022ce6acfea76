"""Tests of `matapalo.strangler`."""
