"""The Lua twins of the rules, put together from their parts: what runs inside the store, one call a decision.

Sent by their SHA-1 (`EVALSHA`); a store that does not know one (new, failed over, flushed) is sent the text once.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import msgspec

FOLDER = Path(__file__).with_name("lua")
PARTS = ("window", "bucket", "lease", "state")

Name = Literal["reserve", "settle", "renew"]
NAMES: tuple[Name, ...] = get_args(Name)


class Script(msgspec.Struct, frozen=True):
    """``text``, and the ``sha`` that servers know it by; all take one key."""

    text: str
    sha: str


@cache
def script(name: Name, *, clock: str | None = None) -> Script:
    """The script called ``name``. ``clock``: Lua instead of the store's clock, for tests."""
    parts = [(FOLDER / f"{part}.lua").read_text() for part in (*PARTS, name)]
    text = "\n".join((clock or (FOLDER / "clock.lua").read_text(), *parts))
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
