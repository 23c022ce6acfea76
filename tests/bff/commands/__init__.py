"""Tests of `bff.commands`."""
