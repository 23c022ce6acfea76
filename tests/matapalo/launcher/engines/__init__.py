"""Tests of matapalo.launcher.engines."""
