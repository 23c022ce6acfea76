"""Stored results: unreadable without the secrets, readable across their rotation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matapalo.idempotency.cipher import ResultCipher
from matapalo.idempotency.replay import Unreadable

OLD, NEW, OTHER = (
    "a secret that signed before, 32 ch.",
    "a secret that signs now, 32 charact",
    "of another process, 32 ch.",
)


@given(st.binary(max_size=5000), st.text(max_size=80))
def test_what_is_encrypted_is_decrypted(plain: bytes, record_id: str):
    cipher = ResultCipher([NEW, OLD])
    assert cipher.decrypt(record_id, cipher.encrypt(record_id, plain)) == plain


def test_nothing_is_readable_and_no_two_ciphertexts_are_alike():
    cipher = ResultCipher([NEW])
    plain = b"Ada Lovelace, ada@example.org"
    first, second = cipher.encrypt("record", plain), cipher.encrypt("record", plain)
    assert first != second
    assert b"Ada" not in first


def test_a_rotated_secret_still_decrypts_until_it_is_dropped():
    encrypted = ResultCipher([OLD]).encrypt("record", b"result")
    assert ResultCipher([NEW, OLD]).decrypt("record", encrypted) == b"result"
    with pytest.raises(Unreadable):
        ResultCipher([NEW]).decrypt("record", encrypted)


def test_the_result_of_another_record_is_not_decrypted():
    encrypted = ResultCipher([NEW]).encrypt("record", b"result")
    with pytest.raises(Unreadable):
        ResultCipher([NEW]).decrypt("another", encrypted)


@pytest.mark.parametrize("damage", [lambda s: b"", lambda s: s[:10], lambda s: s[:-1], lambda s: b"\x02" + s[1:]])
def test_what_is_damaged_is_unreadable_and_no_crash(damage):
    cipher = ResultCipher([NEW])
    with pytest.raises(Unreadable):
        cipher.decrypt("record", damage(cipher.encrypt("record", b"result")))


def test_a_repetitive_result_is_small():
    assert len(ResultCipher([NEW]).encrypt("record", b"result " * 1000)) < 200
