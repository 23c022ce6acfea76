"""The Lua twins, put together from their parts: what runs inside the store, one call a decision.

Sent by their SHA-1 (`EVALSHA`); a store that does not know one (new, failed over, flushed) is sent the text once.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

FOLDER = Path(__file__).with_name("lua")
PARTS = ("window", "bucket", "lease", "state")

Name = Literal["reserve", "settle", "renew"]


class Script(msgspec.Struct, frozen=True):
    """``text`` and the ``sha`` it is known by; all take one key."""

    name: Name
    text: str
    sha: str


@cache
def script(name: Name, *, clock: str | None = None) -> Script:
    """The script called ``name``. ``clock``: Lua that takes the place of the store's clock, for tests."""
    read = (clock or (FOLDER / "clock.lua").read_text(), *((FOLDER / f"{part}.lua").read_text() for part in PARTS))
    text = "\n".join((*read, (FOLDER / f"{name}.lua").read_text()))
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
