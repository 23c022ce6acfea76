"""Tests of matapalo.strangler.agent."""
