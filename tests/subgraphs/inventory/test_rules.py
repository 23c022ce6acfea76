"""What can be reserved."""

from subgraphs.inventory import rules


def test_a_product_named_twice_is_wanted_once_with_the_sum() -> None:
    assert rules.per_product([("a", 1), ("b", 2), ("a", 3)]) == {"a": 4, "b": 2}


def test_there_is_no_shortage_when_the_last_unit_is_taken() -> None:
    assert rules.shortages({"a": 4}, {"a": 4}) == []


def test_a_product_nobody_stocks_has_none() -> None:
    assert rules.shortages({"a": 1}, {}) == [{"product_id": "a", "requested": 1, "available": 0}]


def test_every_item_of_a_short_product_is_blamed_by_its_place() -> None:
    items = [("a", 1), ("b", 1), ("a", 2)]
    missing = rules.shortages(rules.per_product(items), {"a": 2, "b": 5})
    assert [error["field"] for error in rules.errors_of(missing, items)] == ["items[0]", "items[2]"]
