"""Tests of `subgraphs.orders`."""
