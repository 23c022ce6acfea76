"""Tests of `bff.operations`."""
