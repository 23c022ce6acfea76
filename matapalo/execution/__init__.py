"""Running operations: projections, relations, batch-first loaders, and the executor."""
