"""The monolith that is being strangled: all of `/api`, its own code, the slow honest way (one query a row)."""
