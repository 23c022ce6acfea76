"""Envoy's counters of both sides of every route, and what happened between two readings of them.

Failures are counted where they happen, at the hosts of a side's own cluster (`/clusters`): with a fallback in front of
it, Envoy's cluster statistics know only the response that the client got (measured on 1.40). Latencies are a histogram
of the cluster a request was sent to: the side's own, or the one that falls back (``things_new…``). Whole milliseconds.

Envoy's counters start again at zero when it restarts: then, and only then, everything since is what they say.
Raises msgspec.ValidationError for what is no such response.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from matapalo.strangler.metrics.traffic import SideTraffic
from matapalo.strangler.routing.route import Side

STATISTICS = r"^(server\.uptime|cluster\.[a-z][a-z0-9-]*[._](new|legacy)[^.]*\.upstream_rq_time)$"
"""The filter for `/stats`."""
_UPTIME = "server.uptime"
_TIMED = re.compile(r"cluster\.(?P<route>[a-z][a-z0-9-]*)[._](?P<side>new|legacy)[^.]*\.upstream_rq_time")
_OWN = re.compile(r"(?P<route>[a-z][a-z0-9-]*)\.(?P<side>new|legacy)")


class SideOf(NamedTuple):
    route: str
    side: Side


class Reading(NamedTuple):
    uptime_s: float
    sides: Mapping[SideOf, SideTraffic]


def between(before: Reading, now: Reading) -> dict[SideOf, SideTraffic]:
    """What happened from one reading to the next; sides where nothing did are left out."""
    restarted = now.uptime_s < before.uptime_s
    differences = {
        side: _since(SideTraffic() if restarted else before.sides.get(side, SideTraffic()), traffic)
        for side, traffic in now.sides.items()
    }
    return {side: traffic for side, traffic in differences.items() if traffic}


def _since(before: SideTraffic, now: SideTraffic) -> SideTraffic:
    """The difference. A counter that went back belongs to a cluster that was made anew: what it says is all new."""
    if now.answered < before.answered or now.failed < before.failed:
        before = SideTraffic(0, 0, before.latency)
    if any(now.latency.get(lower, 0) < count for lower, count in before.latency.items()):
        before = SideTraffic(before.answered, before.failed)
    latency = {lower: count - before.latency.get(lower, 0) for lower, count in now.latency.items()}
    return SideTraffic(
        now.answered - before.answered,
        now.failed - before.failed,
        {lower: count for lower, count in latency.items() if count},
    )


def parse(statistics: bytes, clusters: bytes) -> Reading:
    """The reading of `/stats?format=json&histogram_buckets=detailed` and `/clusters?format=json`."""
    uptime_s, latencies = 0.0, dict[SideOf, dict[int, int]]()
    for stat in msgspec.json.decode(statistics, type=_Statistics).stats:
        if stat.name == _UPTIME:
            uptime_s = stat.value
        for histogram in stat.histograms.details if stat.histograms else ():
            if matched := _TIMED.fullmatch(histogram.name):
                counts = latencies.setdefault(SideOf(matched["route"], Side(matched["side"])), {})
                for bucket in histogram.totals:
                    lower = round(bucket.lower_bound)
                    counts[lower] = counts.get(lower, 0) + bucket.count
    hosts = dict(_hosts(clusters))
    return Reading(
        uptime_s,
        {
            which: SideTraffic(*hosts.get(which, (0, 0)), latencies.get(which, {}))
            for which in hosts.keys() | latencies.keys()
        },
    )


def _hosts(clusters: bytes) -> Iterator[tuple[SideOf, tuple[int, int]]]:
    for cluster in msgspec.json.decode(clusters, type=_Clusters).cluster_statuses:
        if matched := _OWN.fullmatch(cluster.name):
            counts = {"rq_success": 0, "rq_error": 0}
            for host in cluster.host_statuses:
                for stat in host.stats:
                    if stat.name in counts:
                        counts[stat.name] += int(stat.value)
            yield SideOf(matched["route"], Side(matched["side"])), (counts["rq_success"], counts["rq_error"])


class _Bucket(msgspec.Struct):
    lower_bound: float
    count: int


class _Histogram(msgspec.Struct):
    name: str
    totals: list[_Bucket] = []


class _Histograms(msgspec.Struct):
    details: list[_Histogram] = []


class _Statistic(msgspec.Struct):
    name: str = ""
    value: float = 0.0
    histograms: _Histograms | None = None


class _Statistics(msgspec.Struct):
    stats: list[_Statistic] = []


class _HostCounter(msgspec.Struct):
    name: str
    value: str = "0"


class _Host(msgspec.Struct):
    stats: list[_HostCounter] = []


class _Cluster(msgspec.Struct):
    name: str
    host_statuses: list[_Host] = []


class _Clusters(msgspec.Struct):
    cluster_statuses: list[_Cluster] = []
