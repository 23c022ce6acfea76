"""Keys of at-most-once mutations."""
