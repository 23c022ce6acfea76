"""Tests of `matapalo.graphql`."""
