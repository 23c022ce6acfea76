"""The few environment variables that tests obey; no other test file reads the environment."""

import os


def chromium_path() -> str | None:
    """``CHROMIUM``: the browser to use when it is not on PATH."""
    return os.environ.get("CHROMIUM")


def wants_browser() -> bool:
    """False with ``BROWSER=none``: leave the browser tests out."""
    return os.environ.get("BROWSER", "").lower() != "none"


def wants_node() -> bool:
    """False with ``NODE=none``: leave out the tests whose judges exist for Node only."""
    return os.environ.get("NODE", "").lower() != "none"
