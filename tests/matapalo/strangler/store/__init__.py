"""The store of the routes: one suite for the fake and for Valkey."""
