"""Who ours is measured against: each module is a server that answers the workloads, run as `python -m`."""
