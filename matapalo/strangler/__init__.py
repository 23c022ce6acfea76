"""The strangler: control plane and data-plane configuration. No Python on the path of a request."""
