"""Who ours is measured against: each module is a server that responds the workloads, run as `python -m`."""
