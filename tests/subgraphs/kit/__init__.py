"""Tests of `subgraphs.kit`."""
