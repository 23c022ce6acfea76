"""Tests of matapalo.process."""
