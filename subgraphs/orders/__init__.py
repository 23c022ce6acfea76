"""Orders: what was bought, at the price of that day, and how far it got."""
