"""Mirrors the packages, plus the kinds that cross them: contract, architecture, examples, replay, stack."""
