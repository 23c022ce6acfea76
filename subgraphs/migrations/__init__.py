"""The one database of monolith and services: tables, migrations (alembic) and the seed. No business rules."""
