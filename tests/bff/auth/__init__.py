"""Tests of `bff.auth`."""
