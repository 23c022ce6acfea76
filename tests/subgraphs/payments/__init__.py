"""Tests of `subgraphs.payments`."""
