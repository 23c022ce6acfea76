"""What an operation costs: estimated from its document and variables before it runs, counted from its result after."""
