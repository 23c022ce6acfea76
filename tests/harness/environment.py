"""The few environment variables that tests obey; no other test file reads the environment."""

import os


def worker() -> int:
    """The number of this process among those that test side by side (``-n``), from 0."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def chromium_path() -> str | None:
    """``CHROMIUM``: the browser to use when it is not on PATH."""
    return os.environ.get("CHROMIUM")


def wants_browser() -> bool:
    """False with ``BROWSER=none``: leave the browser tests out."""
    return os.environ.get("BROWSER", "").lower() != "none"


def wants_node() -> bool:
    """False with ``NODE=none``: leave out the tests whose judges exist for Node only."""
    return os.environ.get("NODE", "").lower() != "none"
