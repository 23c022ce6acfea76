"""What is to be thought of a route in a window: the checks, and the reader that asks them of what was measured."""
