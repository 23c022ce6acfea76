"""Which requests are the same one."""

import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import pytest
import strawberry

from matapalo.idempotency.fingerprint import fingerprint


class Size(Enum):
    SMALL = "S"
    LARGE = "L"


class Level(IntEnum):
    LOW = 1


@strawberry.input
class Item:
    product_id: strawberry.ID
    note: str | None = strawberry.UNSET


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
AN_ID = uuid.UUID(int=7)

EQUAL: list[tuple[Any, Any]] = [
    ({"b": 1, "a": 2}, {"a": 2, "b": 1}),
    (1.0, 1),
    (Decimal("1.50"), Decimal("1.5")),
    (NOON, NOON.astimezone(timezone(timedelta(hours=2)))),
    (Item(product_id=strawberry.ID("p")), Item(product_id=strawberry.ID("p"), note=strawberry.UNSET)),
    ([1, 2], (1, 2)),
    (AN_ID, uuid.UUID(str(AN_ID))),
]
DIFFERENT: list[tuple[Any, Any]] = [
    (1, 2),
    (1, "1"),
    (True, 1),
    (0.1, 0.2),
    ([1, 2], [2, 1]),
    (None, ""),
    (Item(product_id=strawberry.ID("p")), Item(product_id=strawberry.ID("p"), note=None)),  # absent is not null
    ("\u00e9", "e\u0301"),  # two spellings that look alike
    (Size.SMALL, Size.LARGE),
    (Level.LOW, 1),
    (b"\x01", b"\x02"),
    (NOON.date(), NOON),
    (NOON.time(), NOON),
]


@pytest.mark.parametrize(("value", "other"), EQUAL)
def test_what_coercion_makes_equal_is_equal(value: Any, other: Any):
    assert fingerprint({"input": value}) == fingerprint({"input": other})


@pytest.mark.parametrize(("value", "other"), DIFFERENT)
def test_what_differs_is_another_request(value: Any, other: Any):
    assert fingerprint({"input": value}) != fingerprint({"input": other})


def test_an_absent_argument_is_another_request_than_a_null_one():
    assert fingerprint({}) == fingerprint({"input": strawberry.UNSET}) != fingerprint({"input": None})


def test_lone_surrogates_are_fingerprinted_like_any_text():
    assert len(fingerprint({"input": "\ud800"})) == 64


def test_what_has_no_canonical_form_is_a_bug():
    with pytest.raises(TypeError, match="object has no canonical form"):
        fingerprint({"input": object()})
    with pytest.raises(ValueError, match="Out of range float"):
        fingerprint({"input": float("inf")})
