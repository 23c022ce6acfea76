"""Sub-commands that the shop adds to `matapalo`."""
