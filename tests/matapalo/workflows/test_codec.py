"""Payloads that leave the process: unreadable without the secret."""

import pytest
from cryptography.exceptions import InvalidTag
from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter

from matapalo.workflows.codec import AesGcm, UnknownKey, converter

OLD, NEW = "the old secret, at least 32 characters", "the new secret, at least 32 characters"
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'"ana@example.org"')


async def test_a_payload_comes_back_as_it_was():
    codec = AesGcm([OLD])
    (encrypted,) = await codec.encode([PLAIN])
    assert b"ana" not in encrypted.SerializeToString()
    assert await codec.decode([encrypted]) == [PLAIN]


async def test_the_same_payload_never_looks_the_same():
    codec = AesGcm([OLD])
    first, second = await codec.encode([PLAIN, PLAIN])
    assert first.data != second.data


async def test_an_older_secret_decrypts_as_long_as_it_is_listed():
    encrypted = await AesGcm([OLD]).encode([PLAIN])
    assert await AesGcm([NEW, OLD]).decode(encrypted) == [PLAIN]
    with pytest.raises(UnknownKey):
        await AesGcm([NEW]).decode(encrypted)


async def test_what_was_written_in_the_clear_is_read_as_it_is():
    assert await AesGcm([OLD]).decode([PLAIN]) == [PLAIN]


async def test_a_changed_payload_is_refused():
    (encrypted,) = await AesGcm([OLD]).encode([PLAIN])
    encrypted.data = encrypted.data[:-1] + bytes([encrypted.data[-1] ^ 1])
    with pytest.raises(InvalidTag):
        await AesGcm([OLD]).decode([encrypted])


def test_without_secrets_payloads_are_in_the_clear():
    assert converter(()) is DataConverter.default
