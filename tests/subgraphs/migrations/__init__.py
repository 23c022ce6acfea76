"""Tests of `subgraphs.migrations`."""
