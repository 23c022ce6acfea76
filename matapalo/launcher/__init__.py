"""Starts and watches engines and processes on one machine: `matapalo up`."""
