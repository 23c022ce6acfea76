"""Starting or joining durable workflows from mutations, and following their progress."""
