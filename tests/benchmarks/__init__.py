"""The harness of the benchmark: arithmetic, tables, options, the load generator. No platform is started here."""
