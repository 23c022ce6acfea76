"""Where two answers differ, what may be kept of them, and which fields that makes suspicious."""

from typing import Any

import pytest

from matapalo.strangler.settings import RolloutCriteria
from matapalo.strangler.shadow.consistency import Consistency, Standing, check, fields_of, is_ignored, standing
from matapalo.strangler.shadow.difference import Answer, differences
from matapalo.strangler.shadow.findings import Comparison
from matapalo.strangler.shadow.redaction import redacted
from matapalo.strangler.verdict import Outcome

GATES = RolloutCriteria()


def found(first: Any, second: Any) -> set[str]:
    return {f"{each.path} {each.kind}" for each in differences(Answer(200, first), Answer(200, second))}


@pytest.mark.parametrize(
    ("first", "second", "where"),
    [
        ({"a": 1}, {"a": 1}, set()),
        ({"a": 1}, {"a": 2}, {"$.a value"}),
        ({"a": 1}, {"a": "1"}, {"$.a type"}),
        ({"a": 1}, {"a": None}, {"$.a type"}),
        ({"a": 1}, {"a": True}, {"$.a type"}),
        ({"a": 1}, {"a": 1, "b": 2}, {"$.b added"}),
        ({"a": 1, "b": 2}, {"a": 1}, {"$.b missing"}),
        ({"items": [{"x": 1}, {"x": 2}]}, {"items": [{"x": 1}, {"x": 3}]}, {"$.items[*].x value"}),
        ({"items": [1, 2]}, {"items": [1]}, {"$.items length"}),
        ([1], [2], {"$[*] value"}),
        ({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"d": 1}]}}, {"$.a.b[*].c missing", "$.a.b[*].d added"}),
    ],
)
def test_a_difference_names_its_place_in_the_shape(first: Any, second: Any, where: set[str]) -> None:
    assert found(first, second) == where


def test_another_status_is_a_difference_of_the_whole() -> None:
    assert {each.path for each in differences(Answer(200, {}), Answer(404, {"title": "x"}))} == {"(status)"}
    assert {each.path for each in differences(Answer(200, b"<p>"), Answer(200, {}))} == {"(body)"}


def test_a_failure_is_nothing_to_compare() -> None:
    assert not Answer(503, {}).is_usable
    assert Answer(404, {}).is_usable


def test_only_listed_fields_are_kept() -> None:
    body = {
        "id": "ord_1",
        "email": "a@example.com",
        "items": [{"total": 5, "note": None, "paid": True, "count": 2}] * 5,
    }
    assert redacted(Answer(200, body), keep={"$.id", "$.items[*].total"}) == {
        "status": 200,
        "body": {
            "id": "ord_1",
            "email": "(text)",
            "items": [{"total": 5, "note": "(null)", "paid": "(true or false)", "count": "(number)"}] * 3
            + ["(2 more)"],
        },
    }
    assert redacted(Answer(200, b"secret"), keep={"$"}) == {"status": 200, "body": "(6 bytes)"}


# Of 757 comparisons: a random id and a time-stamp, a random stock, an added field, a total that is wrong once in 33.
@pytest.mark.parametrize(
    ("raw", "noise", "thought"),
    [
        (757, 757, Standing.NOISE),
        (289, 255, Standing.NOISE),
        (757, 0, Standing.DIFFERENT),
        (24, 0, Standing.DIFFERENT),
        (0, 3, Standing.NOISE),
        (3, 0, Standing.SUSPECT),
        (0, 0, Standing.SAME),
    ],
)
def test_noise_is_told_from_difference(raw: int, noise: int, thought: Standing) -> None:
    assert standing(raw, noise, compared=757, significance=0.01)[0] is thought


def a_finding(compared: int, raw: dict[str, int], noise: dict[str, int], ignored: tuple[str, ...] = ()) -> Consistency:
    fields = fields_of(raw, noise, {}, compared=compared, ignored=ignored, significance=0.01)
    return Consistency(compared=compared, differing=0, failed=0, dropped=0, fields=fields)


def test_the_gate_fails_for_a_field_that_differs_and_names_it() -> None:
    gate = check(a_finding(757, {"$.total": 24, "$.at": 757}, {"$.at": 757}), GATES)
    assert gate.outcome is Outcome.FAIL
    assert "$.total (24, noise 0)" in gate.because
    assert "$.at" not in gate.because


def test_the_gate_holds_while_too_little_is_compared_or_a_field_is_suspect() -> None:
    assert check(a_finding(99, {}, {}), GATES).outcome is Outcome.HOLD
    assert check(a_finding(757, {"$.total": 3}, {}), GATES).outcome is Outcome.HOLD
    assert check(a_finding(757, {"$.at": 700}, {"$.at": 710}), GATES).outcome is Outcome.PASS


def test_an_ignored_field_counts_for_nothing_nor_does_what_is_below_it() -> None:
    gate = check(a_finding(757, {"$.total.amount": 24}, {}, ignored=("$.total",)), GATES)
    assert gate.outcome is Outcome.PASS
    assert is_ignored("$.items[*].x", {"$.items"})
    assert not is_ignored("$.totals", {"$.total"})


def test_what_changes_between_the_readings_is_in_the_noise() -> None:
    before, after = Answer(200, {"status": "PENDING"}), Answer(200, {"status": "SHIPPED"})
    comparison = Comparison.of(before, after, after)
    assert comparison.raw == comparison.noise
    assert comparison.counts(ignored=())["compared"] == 1
    assert "beyond" not in comparison.counts(ignored=())
    assert comparison.worth_showing() == []
