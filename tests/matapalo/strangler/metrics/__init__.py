"""Tests of matapalo.strangler.metrics."""
