"""Where two responses differ."""

from typing import Any

import pytest

from matapalo.strangler.shadow.difference import SideResponse, differences


def places(first: Any, second: Any) -> set[str]:
    return {f"{place.path} {place.kind}" for place in differences(SideResponse(200, first), SideResponse(200, second))}


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
    assert places(first, second) == where


def test_another_status_is_a_difference_of_the_whole() -> None:
    assert {place.path for place in differences(SideResponse(200, {}), SideResponse(404, {"title": "x"}))} == {
        "(status)"
    }
    assert {place.path for place in differences(SideResponse(200, b"<p>"), SideResponse(200, {}))} == {"(body)"}


def test_a_failure_is_nothing_to_compare() -> None:
    assert not SideResponse(503, {}).is_usable
    assert SideResponse(404, {}).is_usable
