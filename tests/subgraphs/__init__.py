"""Tests of `subgraphs`."""
