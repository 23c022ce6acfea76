"""Tests of gateway.compare."""
