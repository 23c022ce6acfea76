"""What was promised outside: SDL, OpenAPI, operations, compose against the launcher."""
