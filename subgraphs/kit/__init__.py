"""What every service needs and none owns: the app, problems, identity, pagination, idempotency, the database."""
