"""GraphQL types of the mobile client: lean projections of the commerce models. One file a noun."""
