"""Products: the catalogue. Public, and the only source of prices."""
