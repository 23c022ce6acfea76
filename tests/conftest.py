"""Loads the fixtures every folder may use, and lets a terminated test run stop what it started."""

import signal
from types import FrameType

import pytest

pytest_plugins = [
    "tests.harness.engines",
    "tests.harness.cluster",
    "tests.harness.browser",
    "tests.harness.node",
    "tests.harness.platform",
    "tests.harness.subgraphs",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak`: the same tests at full size (`make soak`)."""
    parser.addoption("--soak", action="store_true", help="crash tests at every point by itself, chaos with 200 orders")


@pytest.fixture(scope="session")
def soak(request: pytest.FixtureRequest) -> bool:
    """Whether this is the full-size run."""
    return bool(request.config.getoption("--soak"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Full size takes its time."""
    if config.getoption("--soak"):
        for item in items:
            item.add_marker(pytest.mark.timeout(3600), append=False)


def pytest_configure(config: pytest.Config) -> None:
    """SIGTERM ends the run like Ctrl-C does: fixtures are torn down."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
