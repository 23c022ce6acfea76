"""The actual cost: counted from the data, never above the estimate on honest results."""

from typing import Any

import pytest

from tests.matapalo.ratelimit.cost.priced_schema import priced


@pytest.mark.parametrize(
    ("source", "data", "cost"),
    [
        ("{ page { total } }", None, 0),
        ("{ page { total } }", {"page": None}, 0),
        ("{ page { nodes { name } } }", {"page": {"nodes": []}}, 1),
        ("{ page { nodes { name } } }", {"page": {"nodes": [{"name": "a"}, {"name": "b"}]}}, 1 + 2 * 5),
        ("{ page { edges { node { name } } } }", {"page": {"edges": [{"node": {"name": "a"}}]}}, 1 + 5),
        ("{ page { nodes { grid { name } } } }", {"page": {"nodes": [{"grid": [[{"name": "a"}], [], [{}, {}]]}]}}, 9),
        ("{ named { name ... on Leaf { price } } }", {"named": [{"name": "t"}, None, {"name": "l", "price": 2}]}, 5),
        ("{ a: page { total } b: page { total } }", {"a": {"total": 1}, "b": None}, 1),
        ('{ priced(note: "x") }', {"priced": 1}, 7),
        ('{ priced(note: "x") }', {"priced": None}, 0),
        ("mutation { plant { name } water }", {"plant": {"name": "oak"}, "water": True}, 11),
        ("{ __schema { queryType { name } } }", {"__schema": {"queryType": {"name": "Query"}}}, 50),
    ],
)
def test_what_was_delivered_is_counted(source: str, data: Any, cost: int) -> None:
    assert priced(source).actual(data, {}) == cost


def test_a_replayed_root_field_counts_one() -> None:
    both = priced("mutation { a: plant { leaves { name } } b: plant { name } }")
    data = {"a": {"leaves": [{"name": "x"}]}, "b": {"name": "y"}}
    assert both.actual(data, {}) == 10 + 1 + 10
    assert both.actual(data, {}, {"a"}) == 1 + 10
    assert both.actual(data, {}, {"a", "b"}) == 2
