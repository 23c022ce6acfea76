"""Stock of products: the model as the REST contract has it, and the batch-first loads."""
