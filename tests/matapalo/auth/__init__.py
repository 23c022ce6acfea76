"""Tests of `matapalo.auth`."""
