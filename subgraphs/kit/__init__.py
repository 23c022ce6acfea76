"""What every service needs and none owns: the app, problems, identity, paging, idempotency, the database door."""
