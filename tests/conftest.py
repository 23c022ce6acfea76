"""Loads the fixtures every folder may use, and lets a terminated test run stop what it started."""

import signal
from types import FrameType

import pytest

pytest_plugins = [
    "tests.support.engines",
    "tests.support.cluster",
    "tests.support.browser",
    "tests.support.node",
    "tests.support.platform",
    "tests.support.subgraphs",
]


def pytest_configure(config: pytest.Config) -> None:
    """SIGTERM ends the run like Ctrl-C does: fixtures are torn down."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
