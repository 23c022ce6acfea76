"""Shadow comparison: safe reads are sent to both sides, and their responses compared."""
