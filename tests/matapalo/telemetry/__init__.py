"""Tests of matapalo.telemetry."""
