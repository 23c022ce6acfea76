"""Tests of matapalo.strangler.rollout."""
