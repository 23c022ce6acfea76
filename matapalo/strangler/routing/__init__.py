"""The rules of routing, as functions of values: routes and their table, the side a request takes, changes."""
