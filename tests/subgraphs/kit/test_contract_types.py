"""Batches of ids."""

import pytest

from subgraphs.kit.contract_types import MOST_IDS, parse_ids
from subgraphs.kit.problem import InvalidParameter


def test_a_batch_names_each_id_once_in_the_order_first_named() -> None:
    assert parse_ids("b,a,b") == ("b", "a")


def test_two_hundred_ids_are_a_batch_and_one_more_is_not() -> None:
    ids = [f"ord_{number}" for number in range(MOST_IDS + 1)]
    assert len(parse_ids(",".join(ids[:-1]))) == MOST_IDS
    with pytest.raises(InvalidParameter, match="at most 200"):
        parse_ids(",".join(ids))


@pytest.mark.parametrize("text", ["", "a,", "a b", "a,é", "a\n", "x" * 65, "'; DROP TABLE orders"])
def test_what_is_no_id_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        parse_ids(text, "order_ids")
    assert refused.value.errors[0]["field"] == "order_ids"
