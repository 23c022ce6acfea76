"""Payloads that leave the process: unreadable for whoever has no secret."""

import pytest
from cryptography.exceptions import InvalidTag
from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter

from matapalo.workflows.codec import AesGcm, UnknownKey, converter

OLD, NEW = "the old secret, at least 32 characters", "the new secret, at least 32 characters"
SAID = Payload(metadata={"encoding": b"json/plain"}, data=b'"ana@example.org"')


async def test_a_payload_comes_back_as_it_was():
    codec = AesGcm([OLD])
    (sealed,) = await codec.encode([SAID])
    assert b"ana" not in sealed.SerializeToString()
    assert await codec.decode([sealed]) == [SAID]


async def test_the_same_payload_never_looks_the_same():
    codec = AesGcm([OLD])
    first, second = await codec.encode([SAID, SAID])
    assert first.data != second.data


async def test_what_an_older_secret_encrypted_is_read_as_long_as_it_is_listed():
    sealed = await AesGcm([OLD]).encode([SAID])
    assert await AesGcm([NEW, OLD]).decode(sealed) == [SAID]
    with pytest.raises(UnknownKey):
        await AesGcm([NEW]).decode(sealed)


async def test_what_was_written_in_the_clear_is_read_as_it_is():
    assert await AesGcm([OLD]).decode([SAID]) == [SAID]


async def test_a_changed_payload_is_refused():
    (sealed,) = await AesGcm([OLD]).encode([SAID])
    sealed.data = sealed.data[:-1] + bytes([sealed.data[-1] ^ 1])
    with pytest.raises(InvalidTag):
        await AesGcm([OLD]).decode([sealed])


def test_without_secrets_payloads_are_in_the_clear():
    assert converter(()) is DataConverter.default
