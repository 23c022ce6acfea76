"""Whether the legacy side is dead: each requirement, with its sentence."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from matapalo.strangler.decommission.report import Evidence, judge
from matapalo.strangler.routing.hits import Hits, LegacyCaller
from matapalo.strangler.routing.route import Match, Side
from tests.matapalo.strangler.builders import a_route

NOW = datetime(2026, 6, 1, tzinfo=UTC)
COMPLETED = a_route(share_bp=10_000, writes=Side.NEW, fallback=False)
ERP = LegacyCaller("erp", "1.2", "curl/8")


def evidence_of(**changes: Any) -> Evidence:
    evidence = Evidence(
        route=COMPLETED,
        revision=7,
        callers={},
        counted_since=NOW - timedelta(days=30),
        silent_nodes=(),
        difference_rate=None,
        quiet=timedelta(days=7),
        now=NOW,
    )
    return evidence._replace(**changes)


def hits(ago: timedelta, **changes: int) -> Hits:
    at_ms = round((NOW - ago).timestamp() * 1000)
    return structs.replace(Hits(3, at_ms, at_ms), **changes)


def test_a_completed_route_that_no_request_reaches_is_ready():
    report = judge(evidence_of())
    assert report.is_ready
    assert [requirement.because for requirement in report.requirements] == [
        "reads: the new side has 100 % of the users",
        "writes go to new",
        "no rule sends a request to legacy",
        "no request reached legacy for 7 days: there never was one",
        "requests are counted for 30 days",
        "nothing was compared lately (shadow_bp mirrors some requests to the comparator)",
    ]


def test_hits_before_the_quiet_period_do_not_count():
    report = judge(evidence_of(callers={ERP: hits(timedelta(days=8))}))
    assert report.is_ready
    assert report.requirements[3].because == "no request reached legacy for 7 days: the last was 8 days ago"
    assert report.evidence.days_since_last_hit == 8


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"callers": {ERP: hits(timedelta(hours=3))}},
            "legacy was reached within 7 days by erp 1.2 (3 requests, the last 3 hours ago)",
        ),
        (
            {"callers": {LegacyCaller(): hits(timedelta(seconds=5), fallbacks=2)}},
            "legacy was reached within 7 days by an unnamed caller (3 requests, 2 of them because the new side failed, "
            "the last 5 seconds ago)",
        ),
        (
            {"route": structs.replace(COMPLETED, share_bp=9_999)},
            "reads: the new side has 99.99 % of the users",
        ),
        ({"route": structs.replace(COMPLETED, writes=Side.LEGACY)}, "writes go to legacy"),
        (
            {"route": structs.replace(COMPLETED, cohorts=(Match(value="slow", side=Side.LEGACY),))},
            "rules send slow to legacy",
        ),
        ({"counted_since": None}, "requests to legacy are not counted: start an agent beside each Envoy"),
        (
            {"counted_since": NOW - timedelta(days=3)},
            "requests are counted for 3 days only: wait another 4 days",
        ),
        ({"silent_nodes": ("edge-2",)}, "no agent reads the logs of edge-2: start their agents"),
        ({"difference_rate": 0.03}, "3.00% of the compared responses differ; 0.10% are allowed"),
    ],
)
def test_one_requirement_that_is_not_met_is_the_reason(changes, sentence):
    report = judge(evidence_of(**changes))
    assert not report.is_ready
    assert report.reasons == (sentence,)


def test_many_callers_are_named_the_last_first_and_then_counted():
    callers = {LegacyCaller(f"c{n}"): hits(timedelta(hours=n)) for n in range(1, 7)}
    (reason,) = judge(evidence_of(callers=callers)).reasons
    assert reason.startswith("legacy was reached within 7 days by c1 (3 requests, the last 60 minutes ago); c2")
    assert reason.endswith("; and 3 more")


def test_a_retired_route_is_done():
    report = judge(evidence_of(route=structs.replace(COMPLETED, retired=True), counted_since=None))
    assert report.is_ready
    assert report.requirements[0].because == "the legacy branch has been removed"
