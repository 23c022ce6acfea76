"""Tests of gateway.rollout."""
