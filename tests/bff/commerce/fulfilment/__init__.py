"""Orders as durable workflows."""
