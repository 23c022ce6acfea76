"""The rules of routing, as functions of values: what a route is, which side a request takes, what a good table is."""
