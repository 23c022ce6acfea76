"""Tests of `matapalo.project`."""
