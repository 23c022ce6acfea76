"""What every process needs: a clock, signals, readiness, the shells of servers and workers."""
