"""`matapalo.toml`: the one file in which a project declares its clients, services, processes, workers and routes."""
