"""The example shop's BFF: its business in `commerce`, one folder a client beside it. A parent of workflows: imports
nothing."""
