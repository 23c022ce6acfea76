"""What every process needs: a clock, readiness."""
