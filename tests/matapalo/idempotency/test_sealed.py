"""Stored answers: unreadable without the secrets, readable across their rotation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matapalo.idempotency.replay import Unreadable
from matapalo.idempotency.sealed import Sealer

OLD, NEW, OTHER = (
    "a secret that signed before, 32 ch.",
    "a secret that signs now, 32 charact",
    "somebody else's 32 ch.",
)


@given(st.binary(max_size=5000), st.text(max_size=80))
def test_what_is_sealed_is_opened(plain: bytes, record_id: str):
    sealer = Sealer([NEW, OLD])
    assert sealer.open(record_id, sealer.seal(record_id, plain)) == plain


def test_nothing_of_it_can_be_read_and_no_two_seals_are_alike():
    sealer = Sealer([NEW])
    plain = b"Ada Lovelace, ada@example.org"
    first, second = sealer.seal("record", plain), sealer.seal("record", plain)
    assert first != second
    assert b"Ada" not in first


def test_a_rotated_secret_still_opens_until_it_is_dropped():
    sealed = Sealer([OLD]).seal("record", b"answer")
    assert Sealer([NEW, OLD]).open("record", sealed) == b"answer"
    with pytest.raises(Unreadable):
        Sealer([NEW]).open("record", sealed)


def test_another_records_answer_is_not_opened():
    sealed = Sealer([NEW]).seal("record", b"answer")
    with pytest.raises(Unreadable):
        Sealer([NEW]).open("another", sealed)


@pytest.mark.parametrize("damage", [lambda s: b"", lambda s: s[:10], lambda s: s[:-1], lambda s: b"\x02" + s[1:]])
def test_what_is_damaged_is_unreadable_and_no_crash(damage):
    sealer = Sealer([NEW])
    with pytest.raises(Unreadable):
        sealer.open("record", damage(sealer.seal("record", b"answer")))


def test_a_repetitive_answer_is_small():
    assert len(Sealer([NEW]).seal("record", b"answer " * 1000)) < 200
