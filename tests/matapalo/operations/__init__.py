"""Tests of `matapalo.operations`."""
