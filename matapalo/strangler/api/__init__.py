"""The admin API of the strangler: for operators, on the control plane's own port."""
