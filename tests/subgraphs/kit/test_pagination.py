"""Cursors and pages: what comes out is what went in, and what did not come from us is refused by name."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subgraphs.kit import pagination
from subgraphs.kit.problem import InvalidParameter
from subgraphs.migrations.tables import orders, recommendations

# Under load a single example may take long; that is no failure.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
MOMENT = datetime(2026, 1, 30, 16, 0, tzinfo=UTC)


@PATIENT
@given(st.datetimes(timezones=st.just(UTC)), st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True))
def test_a_cursor_gives_back_the_sort_key_it_was_made_of(moment: datetime, identifier: str) -> None:
    assert pagination.decode(pagination.encode(moment, identifier), datetime, str) == (moment, identifier)


def test_a_cursor_can_stand_in_a_url_as_it_is() -> None:
    assert pagination.encode(MOMENT, "ord_1").replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "x",
        "bm90IGpzb24",
        "W10",
        "WzFd",
        "é",
        pagination.encode("ord_1", "ord_2"),
        pagination.encode("\x00", "ord_1"),
    ],
)
def test_a_foreign_cursor_is_refused_by_name(broken: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        pagination.decode(broken, datetime, str)
    assert refused.value.errors[0]["field"] == "cursor"


@PATIENT
@given(st.text(max_size=60))
def test_no_text_makes_decoding_fail_in_another_way(text: str) -> None:
    with suppress(InvalidParameter):
        pagination.decode(text, float, str)


def test_a_full_page_with_more_behind_it_has_a_next_cursor() -> None:
    assert pagination.cut(["a", "b", "c"], 2, pagination.encode) == (["a", "b"], pagination.encode("b"))


def test_the_last_page_has_none_even_when_it_is_full() -> None:
    assert pagination.cut(["a", "b"], 2, pagination.encode) == (["a", "b"], None)
    assert pagination.cut([], 2, pagination.encode) == ([], None)


class RecordingConnection:
    """Keeps the SQL of the last query, which finds no rows."""

    sql = ""

    async def execute(self, query: object) -> "RecordingConnection":
        self.sql = " ".join(str(query).split())
        return self

    def all(self) -> list[Any]:
        return []


async def sql_of_a_page(collection: pagination.Collection, cursor: str) -> str:
    connection: Any = RecordingConnection()
    assert await collection.page(connection, limit=2, cursor=cursor) == ([], None)
    return str(connection.sql)


async def test_keys_of_one_direction_are_compared_as_one_row() -> None:
    collection = pagination.Collection(orders, orders.c.placed_at.desc(), orders.c.id.desc())
    sql = await sql_of_a_page(collection, pagination.encode(MOMENT, "ord_1"))
    assert "WHERE (orders.placed_at, orders.id) < (:param_1, :param_2)" in sql
    assert "ORDER BY orders.placed_at DESC, orders.id DESC" in sql


async def test_keys_of_two_directions_are_compared_one_by_one() -> None:
    score, identifier = recommendations.c.score, recommendations.c.id
    sql = await sql_of_a_page(
        pagination.Collection(recommendations, score.desc(), identifier), pagination.encode(0.5, "rec_1")
    )
    assert "score < :score_1 OR recommendations.score = :score_2 AND recommendations.id > :id_1" in sql
