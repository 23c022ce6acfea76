"""Keys and tokens of the control plane."""
