"""Requests that still reached the legacy side of a route, by who sent them. Values, and how they add up.

Times are ms since the epoch. A hit may be a fallback: the new side was asked first, and failed.
"""

from collections.abc import Iterable, Mapping

import msgspec

from matapalo.strangler.routing.route import SAFE_METHODS


class LegacyCaller(msgspec.Struct, frozen=True):
    """Who: the `X-Client-Name` and `X-Client-Version` it sends, and its `User-Agent`. Empty: it does not say."""

    client: str = ""
    version: str = ""
    agent: str = ""


class Hits(msgspec.Struct, frozen=True):
    """What it asked for. ``fallbacks`` and ``writes`` are parts of ``count``."""

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
    """A line of Envoy's log of legacy hits. ``route`` is the decision, ``orders:legacy:share``."""

    ms: str
    route: str | None = None
    method: str | None = None
    client: str | None = None
    version: str | None = None
    agent: str | None = None


HitsByRoute = dict[str, dict[LegacyCaller, Hits]]


def counted(lines: Iterable[bytes]) -> HitsByRoute:
    """The lines of a log by route and caller. A line that is none of ours is left out."""
    found: HitsByRoute = {}
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
        one = Hits(1, at_ms, at_ms, int(side == "new"), int(hit.method not in SAFE_METHODS))
        callers = found.setdefault(name, {})
        callers[caller] = callers[caller] + one if caller in callers else one
    return found


_DECODER = msgspec.json.Decoder(Hit)


def total(callers: Mapping[LegacyCaller, Hits]) -> Hits | None:
    """All of them together; None when there are none."""
    found: Hits | None = None
    for hits in callers.values():
        found = hits if found is None else found + hits
    return found
