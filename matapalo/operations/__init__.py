"""Persisted operations: the manifest, the look-up by hash, and who may send free text."""
