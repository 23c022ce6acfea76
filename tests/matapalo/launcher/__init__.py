"""Tests of matapalo.launcher."""
