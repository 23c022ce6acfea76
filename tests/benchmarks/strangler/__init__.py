"""Tests of `benchmarks.strangler`."""
