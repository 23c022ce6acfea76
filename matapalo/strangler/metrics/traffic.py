"""What the two sides of a route did in a window: responses, failures, latencies. Values, and how they are written down.

``answered`` and ``failed`` count what the side itself was sent (Envoy's hosts): a failure that the fallback hid from
the client is in ``failed``. ``latency`` is what callers who were sent to the side waited for, a fallback included.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from matapalo.strangler.metrics.histogram import Histogram, merged, quantile_ms
from matapalo.strangler.routing.route import Side

_PREFIXES = {Side.NEW: "n", Side.LEGACY: "l"}
_SIDES = {prefix: side for side, prefix in _PREFIXES.items()}


class SideRates(NamedTuple):
    """One side for the length of a window. None: it was not measured."""

    requests: int
    failed: int
    per_second: float
    error_share: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class SideTraffic(msgspec.Struct, frozen=True):
    answered: int = 0
    failed: int = 0
    latency: Histogram = {}

    @property
    def requests(self) -> int:
        """All that came to an end."""
        return self.answered + self.failed

    @property
    def error_share(self) -> float | None:
        """The part of the requests that failed; None without any."""
        return self.failed / self.requests if self.requests else None

    def quantile_ms(self, q: float) -> float | None:
        """The latency that the share ``q`` stays below; None when nothing was timed."""
        return quantile_ms(self.latency, q)

    def rates(self, length_s: float) -> SideRates:
        per_second = self.requests / length_s if length_s else 0.0
        quantiles = (self.quantile_ms(q) for q in (0.5, 0.95, 0.99))
        return SideRates(self.requests, self.failed, per_second, self.error_share, *quantiles)

    def __bool__(self) -> bool:
        return bool(self.requests or self.latency)

    def __add__(self, other: "SideTraffic") -> "SideTraffic":
        return SideTraffic(
            self.answered + other.answered, self.failed + other.failed, merged(self.latency, other.latency)
        )


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    since: datetime
    until: datetime
    new: SideTraffic = SideTraffic()
    legacy: SideTraffic = SideTraffic()

    @property
    def length_s(self) -> float:
        return (self.until - self.since).total_seconds()


def counts_of(sides: Mapping[Side, SideTraffic]) -> dict[str, int]:
    """As fields of a slice: ``n:ok``, ``n:err``, ``n:24`` for a bucket that begins at 24 ms; ``l:…`` for legacy."""
    return {
        f"{_PREFIXES[side]}:{name}": count
        for side, traffic in sides.items()
        for name, count in _fields(traffic)
        if count
    }


def traffic_of(counts: Mapping[str, int], *, since: datetime, until: datetime) -> Traffic:
    """The inverse of `counts_of`, for a window."""
    answered: dict[Side, int] = {}
    failed: dict[Side, int] = {}
    latency: dict[Side, dict[int, int]] = {side: {} for side in Side}
    for field, count in counts.items():
        prefix, _, name = field.partition(":")
        side = _SIDES[prefix]
        if name == "ok":
            answered[side] = count
        elif name == "err":
            failed[side] = count
        else:
            latency[side][int(name)] = count
    new, legacy = (SideTraffic(answered.get(side, 0), failed.get(side, 0), latency[side]) for side in Side)
    return Traffic(since=since, until=until, new=new, legacy=legacy)


def _fields(traffic: SideTraffic) -> Iterator[tuple[str, int]]:
    yield "ok", traffic.answered
    yield "err", traffic.failed
    for lower, count in traffic.latency.items():
        yield str(lower), count
