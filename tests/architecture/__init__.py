"""The rules of the tree, checked."""
