"""Tests of `subgraphs.shipping`."""
