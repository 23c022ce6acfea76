"""Tests of `subgraphs.inventory`."""
