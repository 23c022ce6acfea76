"""Requests that still reached the legacy side of a route, by caller. Values, and how they add up.

Times are ms since the epoch. A hit may be a fallback: the new side had the request first, and failed.
"""

from collections.abc import Iterable, Mapping
from functools import reduce

import msgspec

from matapalo.strangler.routing.route import SAFE_METHODS


class LegacyCaller(msgspec.Struct, frozen=True):
    """Its `X-Client-Name`, `X-Client-Version` and `User-Agent`; empty without the header."""

    client: str = ""
    version: str = ""
    agent: str = ""


class Hits(msgspec.Struct, frozen=True):
    """The requests of a caller. ``fallbacks`` and ``writes`` are parts of ``count``."""

    count: int
    first_ms: int
    last_ms: int
    fallbacks: int = 0
    writes: int = 0

    def __add__(self, other: "Hits") -> "Hits":
        return Hits(
            self.count + other.count,
            min(self.first_ms, other.first_ms),
            max(self.last_ms, other.last_ms),
            self.fallbacks + other.fallbacks,
            self.writes + other.writes,
        )


class Hit(msgspec.Struct, frozen=True):
    """A line of Envoy's log of legacy hits. ``route`` is the decision, ``things:legacy:share``."""

    ms: str
    route: str | None = None
    method: str | None = None
    client: str | None = None
    version: str | None = None
    agent: str | None = None


HitsByRoute = dict[str, dict[LegacyCaller, Hits]]


def count_hits(lines: Iterable[bytes]) -> HitsByRoute:
    """The lines of a log by route and caller. A malformed line is left out."""
    by_route: HitsByRoute = {}
    for line in lines:
        try:
            hit = _DECODER.decode(line)
            at_ms = int(hit.ms)
        except (msgspec.DecodeError, ValueError):
            continue
        name, _, decision = (hit.route or "").partition(":")
        side = decision.partition(":")[0]
        if not side:
            continue
        caller = LegacyCaller(hit.client or "", hit.version or "", hit.agent or "")
        hits = Hits(1, at_ms, at_ms, int(side == "new"), int(hit.method not in SAFE_METHODS))
        callers = by_route.setdefault(name, {})
        callers[caller] = callers[caller] + hits if caller in callers else hits
    return by_route


_DECODER = msgspec.json.Decoder(Hit)


def total(callers: Mapping[LegacyCaller, Hits]) -> Hits | None:
    """The hits of all callers together; None when there are none."""
    return reduce(Hits.__add__, callers.values()) if callers else None
