"""Tests of matapalo.strangler.verdict.checks."""
