"""The embedded engines: where each binary is and how its command line looks. The supervisor starts and watches them."""
