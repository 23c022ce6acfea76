"""The commands beyond starting and stopping, a file a group, each with a `register(app)` for `matapalo.cli`."""
