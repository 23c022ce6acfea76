"""From two readings of Envoy to what happened between them."""

import json
from typing import Any

from matapalo.strangler.metrics.counters import Reading, SideOf, between, parse
from matapalo.strangler.metrics.traffic import SideTraffic
from matapalo.strangler.routing.route import Side

NEW, LEGACY = SideOf("orders", Side.NEW), SideOf("orders", Side.LEGACY)


def statistics(uptime: float = 100, **histograms: dict[float, int]) -> bytes:
    details = [
        {
            "name": f"cluster.{name.replace('__', '-')}.upstream_rq_time",
            "totals": [{"lower_bound": at, "width": 1, "count": count} for at, count in buckets.items()],
            "intervals": [],
            "percentiles": [],
        }
        for name, buckets in histograms.items()
    ]
    stats: list[Any] = [{"name": "server.uptime", "value": uptime}]
    return json.dumps({"stats": [*stats, {"histograms": {"supported_percentiles": [], "details": details}}]}).encode()


def clusters(**hosts: tuple[int, int]) -> bytes:
    return json.dumps(
        {
            "cluster_statuses": [
                {
                    "name": name.replace("__", "."),
                    "host_statuses": [
                        {
                            "stats": [
                                {"name": "rq_success", "value": str(ok)},
                                {"name": "rq_error", "value": str(failed)},
                            ]
                        }
                    ],
                }
                for name, (ok, failed) in hosts.items()
            ]
            + [{"name": "orders.new-or-legacy"}, {"name": "bff-web", "host_statuses": [{"stats": [{"name": "x"}]}]}]
        }
    ).encode()


def test_latencies_are_also_those_of_the_cluster_that_falls_back() -> None:
    reading = parse(
        statistics(orders_new={5: 1}, orders_new__or__legacy={5: 2, 24: 3}, orders_legacy={30: 9}),
        clusters(orders__new=(3, 2), orders__legacy=(11, 0)),
    )
    assert reading.uptime_s == 100
    assert reading.sides == {NEW: SideTraffic(3, 2, {5: 3, 24: 3}), LEGACY: SideTraffic(11, 0, {30: 9})}


def test_an_envoy_without_any_traffic_is_read_too() -> None:
    assert parse(b'{"stats":[]}', b"{}").sides == {}


def test_what_happened_is_the_difference() -> None:
    before = Reading(100, {NEW: SideTraffic(3, 2, {5: 3, 24: 3}), LEGACY: SideTraffic(11)})
    now = Reading(110, {NEW: SideTraffic(5, 2, {5: 3, 24: 5}), LEGACY: SideTraffic(11)})
    assert between(before, now) == {NEW: SideTraffic(2, 0, {24: 2})}


def test_after_a_restart_everything_it_says_is_new() -> None:
    before = Reading(100, {NEW: SideTraffic(3, 0, {5: 3})})
    assert between(before, Reading(2, {NEW: SideTraffic(7, 1, {5: 7})})) == {NEW: SideTraffic(7, 1, {5: 7})}


def test_a_cluster_that_was_made_anew_starts_again_at_zero() -> None:
    before = Reading(100, {NEW: SideTraffic(30, 2, {5: 32})})
    # Counters of hosts go with their cluster; histograms are kept by name.
    assert between(before, Reading(110, {NEW: SideTraffic(4, 0, {5: 36})})) == {NEW: SideTraffic(4, 0, {5: 4})}
    assert between(before, Reading(110, {NEW: SideTraffic(34, 2, {6: 4})})) == {NEW: SideTraffic(4, 0, {6: 4})}


def test_a_route_that_is_new_counts_from_zero() -> None:
    assert between(Reading(100, {}), Reading(110, {NEW: SideTraffic(1)})) == {NEW: SideTraffic(1)}
