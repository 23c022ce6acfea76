"""Free TCP ports on loopback for tests."""

import socket

_handed_out: set[int] = set()


def free_port() -> int:
    """A port that is free now; never the same twice in one test run."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in _handed_out:
            _handed_out.add(port)
            return port
