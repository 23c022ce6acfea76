"""Payloads at rest in Temporal: encrypted (AES-256-GCM) before they leave the process, decrypted when they come back.

Inputs, results, updates, queries, memos, summaries and the messages of failures are payloads; ids, types, times and
search attributes are not, and hold no personal data. The first secret encrypts, all decrypt: to rotate, put a new one
in front and drop the old one when the last workflow that used it has left Temporal's retention. What was written in the
clear is read as it is, so that encryption can be switched on while workflows run.

Layout of the data: nonce (12), ciphertext with its tag (16); the key's id is in the metadata and authenticated.
"""

import dataclasses
import hmac
import os
from collections.abc import Iterable, Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec

ENCODING = b"binary/encrypted"
_KEY = "encryption-key-id"
_NONCE_BYTES = 12


class UnknownKey(ValueError):
    """A payload was encrypted under a secret that is not (or no longer) listed."""


class AesGcm(PayloadCodec):
    """Encrypts with the first of ``secrets``, decrypts with any."""

    def __init__(self, secrets: Sequence[str]) -> None:
        keys = [hmac.digest(secret.encode(), b"matapalo workflows: payloads", "sha256") for secret in secrets]
        self._ciphers = {hmac.digest(key, b"key id", "sha256")[:6].hex().encode(): AESGCM(key) for key in keys}
        self._key_id, self._cipher = next(iter(self._ciphers.items()))

    async def encode(self, payloads: Iterable[Payload]) -> list[Payload]:
        """Each payload, whole, as the data of another one."""
        return [self._encrypted(payload) for payload in payloads]

    async def decode(self, payloads: Iterable[Payload]) -> list[Payload]:
        """The payloads as they were. Raises `UnknownKey`, and `InvalidTag` for one that was changed."""
        return [self._decrypted(payload) for payload in payloads]

    def _encrypted(self, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        data = self._cipher.encrypt(nonce, payload.SerializeToString(), self._key_id)
        return Payload(metadata={"encoding": ENCODING, _KEY: self._key_id}, data=nonce + data)

    def _decrypted(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        key_id = payload.metadata.get(_KEY, b"")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnknownKey(f"a payload is encrypted under key {key_id.decode(errors='replace')}: list its secret")
        nonce, data = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        return Payload.FromString(cipher.decrypt(nonce, data, key_id))


def converter(secrets: Sequence[str]) -> DataConverter:
    """How clients and workers read and write payloads: in the clear without ``secrets``."""
    plain = DataConverter.default
    if not secrets:
        return plain
    return dataclasses.replace(
        plain, payload_codec=AesGcm(secrets), failure_converter_class=DefaultFailureConverterWithEncodedAttributes
    )
