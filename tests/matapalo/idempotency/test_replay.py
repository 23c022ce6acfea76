"""Storing an outcome and making it again."""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import pytest

from matapalo.idempotency.replay import Replay, Unreadable, replay_snapshot


class Total(msgspec.Struct, frozen=True):
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Paid:
    total: Total
    at: datetime


@dataclass(frozen=True, slots=True)
class Declined:
    reason: str


@dataclass(frozen=True, slots=True)
class Pending:
    pass


PAID = Paid(Total(1250), datetime(2026, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize("outcome", [PAID, Declined("the card has expired")])
async def test_a_snapshot_is_the_outcome_itself(outcome):
    replay = replay_snapshot(Paid, Declined)
    packed = replay.pack(outcome)
    assert packed is not None
    assert await replay.unpack(None, packed) == outcome


async def test_less_may_be_stored_and_the_rest_loaded_anew():
    async def restore(context, stored: Total) -> Paid:
        return Paid(stored, context["now"])

    replay = Replay(Total, store=lambda outcome: outcome.total, restore=restore)
    packed = replay.pack(PAID)
    assert packed is not None
    assert await replay.unpack({"now": PAID.at}, packed) == PAID


def test_what_is_not_final_is_not_stored():
    replay = Replay(Paid, store=lambda outcome: None if isinstance(outcome, Pending) else outcome)
    assert replay.pack(Pending()) is None


def test_an_outcome_that_was_not_declared_is_a_bug():
    with pytest.raises(TypeError, match="Pending is not among the stored types: Paid, Declined"):
        replay_snapshot(Paid, Declined).pack(Pending())


@pytest.mark.parametrize(
    "packed", [b"", b"\xff", replay_snapshot(Declined).pack(Declined("x")), msgspec.msgpack.encode(1)]
)
async def test_what_another_version_stored_is_unreadable(packed):
    with pytest.raises(Unreadable):
        await replay_snapshot(Paid).unpack(None, packed)
