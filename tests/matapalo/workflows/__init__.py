"""Starting, joining and finding workflows."""
