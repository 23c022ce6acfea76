"""Tests of matapalo.strangler.shadow."""
