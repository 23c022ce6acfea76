"""Products: the model as the REST contract has it, and the batch-first loads."""
