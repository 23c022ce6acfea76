"""Cursors and pages: what comes out is what went in, and what did not come from us is refused by name."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subgraphs.kit import pagination
from subgraphs.kit.problem import InvalidParameter

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
