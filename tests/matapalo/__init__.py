"""Tests of `matapalo`."""
