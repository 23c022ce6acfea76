"""`benchmarks.report`: the tables, the verdict and the JSON, from scores made up here."""

import json

import pytest

from benchmarks import report
from tests.benchmarks.scores import score_of

SCORES = {
    "dashboard": {
        "ours": score_of("ours", 3000, 3100),
        "handwritten": score_of("handwritten", 600, 620),
        "naive": score_of("naive", 30_000, 31_000),
    },
    "typename": {
        "ours": score_of("ours", 100),
        "handwritten": score_of("handwritten", 50),
        "naive": score_of("naive", 250),
    },
}


def test_a_table_is_markdown_with_aligned_columns() -> None:
    assert report.table(("who", "CPU"), [("ours", "7"), ("me", "1234")]).splitlines() == [
        "| who  |  CPU |",
        "|------|------|",
        "| ours |    7 |",
        "| me   | 1234 |",
    ]


def test_every_workload_has_a_table_with_every_contestant() -> None:
    text = report.tables(SCORES)

    assert [line for line in text.splitlines() if line.startswith("###")] == [
        "### web Dashboard, free text",
        "### { __typename }",
    ]
    assert text.count("| naive ") == 2


def test_a_row_shows_costs_per_request_and_the_ratio_to_ours() -> None:
    ours, naive = SCORES["dashboard"]["ours"], SCORES["dashboard"]["naive"]

    cells = dict(zip(report.COLUMNS, report.row(naive, ours), strict=True))
    assert cells["CPU µs/request"] == "30500"
    assert cells["of ours"] == "10.00"
    assert cells["REST calls"] == "8.0"
    assert cells["requests/s"] == "50"
    assert report.row(ours, ours)[report.COLUMNS.index("of ours")] == "1.00"


def test_the_verdict_says_where_the_goal_is_missed() -> None:
    assert report.verdict(SCORES) == (
        "ours needs of the naive stack's CPU: 0.10 on dashboard, 0.40 on typename (goal ≤ 1/3: MISSED)"
    )
    assert not report.is_met(SCORES)


def test_the_goal_is_met_when_every_workload_meets_it() -> None:
    only_dashboard = {"dashboard": SCORES["dashboard"]}

    assert report.is_met(only_dashboard)
    assert report.verdict(only_dashboard).endswith("0.10 on dashboard (goal ≤ 1/3: met)")


def test_the_json_holds_every_round_and_no_latency_lists() -> None:
    content = json.loads(json.dumps(report.as_json(SCORES)))

    naive = content["workloads"]["dashboard"]["naive"]
    assert naive["cpu_ratio_to_ours"] == pytest.approx(10)
    assert [one["requests"] for one in naive["rounds"]] == [100, 100]
    assert "latencies_us" not in naive["rounds"][0]
    assert content["goal"]["is_met"] is False
