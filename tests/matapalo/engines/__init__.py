"""Tests of matapalo.engines."""
