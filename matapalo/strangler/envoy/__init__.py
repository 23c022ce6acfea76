"""From routes and settings to Envoy's files."""
