"""What Envoy's hop costs, and how fast routes change: `python -m benchmarks.strangler`."""
