"""How a customer becomes a customer: a durable workflow from the registration to the welcome credit."""
