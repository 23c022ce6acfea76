"""alembic's entry point. It runs on the connection that `migrate.py` hands over, inside the transaction of that."""

from alembic import context

from subgraphs.migrations.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
