"""From routes and settings to Envoy's files, and the agent that writes them and reads back what is live."""
