"""Tests of matapalo.execution."""
