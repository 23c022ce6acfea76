"""At-most-once mutations: the key a client sends, and the id that is derived from it."""
