"""Tests of matapalo.rest."""
