"""The agent beside an Envoy: turns the routes into files and reports what Envoy made of them."""
