"""Tests of matapalo.strangler.decommission."""
