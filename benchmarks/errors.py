"""What ends a benchmark run early. Printed as one message; the program exits with 2."""


class BenchmarkError(Exception):
    """The figures would not mean what they say: something did not start, failed, or responded otherwise."""
