"""Tests of matapalo.cli."""
