"""The estimate: what each construct of a document costs, on a small schema (`small`)."""

from typing import Any

import pytest

from matapalo.errors import BadUserInput
from matapalo.ratelimit.cost.explain import render
from tests.matapalo.ratelimit.cost.priced_schema import estimate, priced, tools

TREE = 5
LEAF = 1


@pytest.mark.parametrize(
    ("source", "cost"),
    [
        ("{ __typename }", 0),
        ("{ page { total } }", 1),
        ("{ page { nodes { name } } }", 1 + 10 * TREE),
        ("{ page(first: 2) { nodes { name } } }", 1 + 2 * TREE),
        ("{ page(first: 2, last: 3) { nodes { name } } }", 1 + 3 * TREE),
        ("{ page(first: -4) { nodes { name } } }", 1),
        ("{ page(first: 2147483647) { nodes { name } } }", 1 + 2147483647 * TREE),
        ("{ page(first: 2) { edges { node { leaves { name } } } } }", 1 + 2 * (0 + TREE + 4 * LEAF)),
        ("{ page(first: 2) { nodes { grid { name } } } }", 1 + 2 * (TREE + 3 * 3 * LEAF)),
        ("{ page(first: 1) { nodes { trees(ids: [1, 2, 3]) { name } } } }", 1 + TREE + 3 * TREE),
        ("{ page(first: 1) { nodes { leaves { price marks } } } }", 1 + TREE + 4 * (LEAF + 3)),
        # aliases are counted each, the same field twice is one
        ("{ a: page(first: 1) { total } b: page(first: 1) { total } }", 2),
        ("{ page(first: 1) { total } page(first: 1) { nodes { name } } }", 1 + TREE),
        # the dearer of two types; what only the other one has is not added
        ("{ either { ... on Tree { name } ... on Leaf { price } } }", 1 + max(0, 3)),
        ("{ either { ... on Tree { leaves { price } } ... on Leaf { price } } }", 1 + max(4 * (LEAF + 3), 3)),
        ("{ named { name ... on Leaf { price } } }", 6 * (1 + 3)),
        ("{ named { ... on Named { ... on Tree { leaves { name } } } } }", 6 * (1 + 4)),
        # arguments
        ("{ priced }", 0),
        ('{ priced(note: "x") }', 7),
        ("{ priced(note: null) }", 0),
        ("{ priced(lines: [{id: 1}, {id: 2, also: [{id: 3}]}]) }", 3 * 2),
        # mutations
        ("mutation { plant { name } }", 10),
        ("mutation { plant { leaves { name } } water }", 10 + 4 + 1),
    ],
)
def test_a_construct_costs_what_its_parts_cost(source: str, cost: int) -> None:
    assert estimate(source) == cost


@pytest.mark.parametrize(
    ("variables", "cost"),
    [
        ({}, 1 + 4 * TREE),
        ({"n": 2}, 1 + 2 * TREE),
        ({"n": 2.0}, 1 + 2 * TREE),
        ({"n": None}, 1 + 10 * TREE),
        ({"n": "two"}, 1 + 10 * TREE),
        ({"n": True}, 1 + 10 * TREE),
    ],
)
def test_a_size_from_a_variable(variables: dict[str, Any], cost: int) -> None:
    """What does not fit the type is rejected by the executor: any estimate will do, as long as it is one."""
    assert estimate("query ($n: Int = 4) { page(first: $n) { nodes { name } } }", **variables) == cost


def test_a_variable_without_a_value_leaves_the_argument_out() -> None:
    assert estimate("query ($n: Int) { page(first: $n) { nodes { name } } }") == 1 + 10 * TREE


@pytest.mark.parametrize(
    ("source", "when_true", "when_false"),
    [
        ("query ($b: Boolean!) { page @include(if: $b) { total } }", 1, 0),
        ("query ($b: Boolean!) { page @skip(if: $b) { total } }", 0, 1),
        ("query ($b: Boolean!) { ... @include(if: $b) { page { total } } }", 1, 0),
        ("query ($b: Boolean!) { ...P @skip(if: $b) } fragment P on Query { page { total } }", 0, 1),
        ("query ($b: Boolean!) { page { total } page @include(if: $b) { nodes { name } } }", 51, 1),
        ("query ($b: Boolean!) { a: page @skip(if: $b) { total } b: page @include(if: $b) { total } }", 1, 1),
        ("query ($b: Boolean!) { page @skip(if: $b) @include(if: $b) { total } }", 0, 0),
        ("query ($b: Boolean = true) { page @include(if: $b) { total } }", 1, 0),
    ],
)
def test_conditions_are_evaluated_with_the_real_values(source: str, when_true: int, when_false: int) -> None:
    assert (estimate(source, b=True), estimate(source, b=False)) == (when_true, when_false)
    if "= true" in source:
        assert estimate(source) == when_true


@pytest.mark.parametrize(("literal", "cost"), [("true", 1), ("false", 0)])
def test_literal_conditions_are_folded(literal: str, cost: int) -> None:
    assert priced(f"{{ page @include(if: {literal}) {{ total }} }}").root.cost.constant == cost


def test_a_fragment_spread_twice_is_counted_once_where_it_merges() -> None:
    spread = "fragment T on Tree { leaves { name } }"
    assert estimate("{ page(first: 1) { nodes { ...T ...T } } } " + spread) == 1 + TREE + 4
    aliased = "{ a: page(first: 1) { nodes { ...T } } b: page(first: 1) { nodes { ...T } } } " + spread
    assert estimate(aliased) == 2 * (1 + TREE + 4)


def test_weights_in_variables_are_found_at_any_depth() -> None:
    lines = [{"id": "1", "also": [{"id": "2"}, {"id": "3"}]}, {"id": "4", "also": None}]
    assert estimate("query ($l: [Line!]) { priced(lines: $l) }", l=lines) == 4 * 2
    assert estimate("query ($i: ID!) { priced(lines: [{id: $i}]) }", i="1") == 2
    assert estimate("query ($l: [Line!]) { priced(lines: $l) }", l=7) == 0


@pytest.mark.parametrize(
    ("arguments", "cost"), [("first: 2", 1 + 2 * TREE), ("last: 3", 1 + 3 * TREE), ("first: null, last: 1", 1 + TREE)]
)
def test_one_slicing_argument_is_enough_where_one_is_required(arguments: str, cost: int) -> None:
    assert estimate(f"{{ strict({arguments}) {{ nodes {{ name }} }} }}") == cost


@pytest.mark.parametrize("arguments", ["", "(first: 1, last: 1)", "(first: null)"])
def test_none_or_two_are_rejected_where_one_is_required(arguments: str) -> None:
    with pytest.raises(BadUserInput, match="strict needs exactly one of its arguments first or last"):
        estimate(f"{{ strict{arguments} {{ nodes {{ name }} }} }}")


def test_a_compiled_operation_is_found_again() -> None:
    documents, costs = tools()
    first, second = (documents.find("{ page { total } }", None) for _ in range(2))
    assert costs.of(first.source, first.document, None) is costs.of(second.source, second.document, None)


def test_the_working_adds_up_and_says_which_type_is_the_dearest() -> None:
    text = render(
        priced('{ named { ... on Leaf { price } } priced(note: "x") a: page(first: 2) { nodes { name } } }'), {}
    )
    assert text.splitlines() == [
        "42 points, at most 9 objects",
        "  named … on Leaf     24 = 6 x (1 + 3)",
        "    price              3 = 3",
        "  priced               7 = 0 + 7 (arguments)",
        "  a: page             11 = 1 + 10",
        "    nodes             10 = 2 x 5",
    ]
