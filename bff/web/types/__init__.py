"""GraphQL types of the web client: projections of the commerce models. One file a noun."""
