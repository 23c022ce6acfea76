"""The console, over the real services of a control plane in memory."""
