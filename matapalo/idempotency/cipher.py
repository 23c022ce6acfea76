"""Stored results at rest: compressed (zlib), then encrypted and bound to their record (AES-256-GCM).

The key is derived from `BFF_SECRETS`: the first one encrypts, all decrypt, so secrets are rotated by putting a new one
in front and dropping the old one a day later. Layout: version, key id (4), nonce (12), ciphertext with its tag (16).
"""

import hmac
import os
import zlib
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from matapalo.idempotency.replay import Unreadable

#: A result may have this many bytes, encrypted. A larger one is not stored: the source of truth has it.
MAX_BYTES = 64 * 1024

_VERSION = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_HEAD = 1 + _KEY_ID_BYTES + _NONCE_BYTES
_MAX_PLAIN_BYTES = 1024 * 1024  # no result is larger: bounds what a forged or broken record can make us unpack


class ResultCipher:
    """Encrypts with the first of ``secrets``, decrypts with any."""

    def __init__(self, secrets: Sequence[str]) -> None:
        keys = [hmac.digest(secret.encode(), b"matapalo idempotency: stored results", "sha256") for secret in secrets]
        self._ciphers = {hmac.digest(key, b"key id", "sha256")[:_KEY_ID_BYTES]: AESGCM(key) for key in keys}
        self._key_id, self._cipher = next(iter(self._ciphers.items()))

    def encrypt(self, record_id: str, plain: bytes) -> bytes:
        """``plain`` as it may be stored under ``record_id``, and no other id."""
        nonce = os.urandom(_NONCE_BYTES)
        ciphertext = self._cipher.encrypt(nonce, zlib.compress(plain, 1), record_id.encode())
        return b"".join((_VERSION, self._key_id, nonce, ciphertext))

    def decrypt(self, record_id: str, encrypted: bytes) -> bytes:
        """What was encrypted. Raises `Unreadable`: another version, a dropped secret, another record's, or damaged."""
        head, ciphertext = encrypted[:_HEAD], encrypted[_HEAD:]
        cipher = self._ciphers.get(head[1 : 1 + _KEY_ID_BYTES])
        if head[:1] != _VERSION or cipher is None:
            raise Unreadable("encrypted by another version or under a secret that is not configured")
        try:
            compressed = cipher.decrypt(head[-_NONCE_BYTES:], ciphertext, record_id.encode())
            return zlib.decompressobj().decompress(compressed, _MAX_PLAIN_BYTES)
        except (InvalidTag, ValueError, zlib.error) as error:
            raise Unreadable("damaged, or another record's") from error
