"""One command prints ratios measured side by side in one run."""
