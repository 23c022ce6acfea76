"""The platform: a GraphQL BFF over REST services behind a strangler. Knows nothing of the shop that is its example."""
