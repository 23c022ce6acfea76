"""The token of a confirmation letter: it leads to the registration, and only the letter's reader can have it.

A workflow's id is shown to operators and in Temporal's UI, so the token is not the id alone but id and MAC: 48 bytes in
base64url, 64 characters. Tokens of an older secret are good as long as the secret is listed.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence

_RECORD_BYTES = 32
_MAC_BYTES = 16


def token_of(secret: str, record_id: str) -> str:
    """The token for an idempotency record (64 hex characters)."""
    record = bytes.fromhex(record_id)
    return base64.urlsafe_b64encode(record + _mac(secret, record)).decode()


def record_of(secrets: Sequence[str], token: str) -> str | None:
    """The record that ``token`` was made for; None for anything that we did not write."""
    try:
        raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _RECORD_BYTES + _MAC_BYTES:
        return None
    record, mac = raw[:_RECORD_BYTES], raw[_RECORD_BYTES:]
    known = [hmac.compare_digest(mac, _mac(secret, record)) for secret in secrets]
    return record.hex() if any(known) else None


def _mac(secret: str, record: bytes) -> bytes:
    return hmac.digest(secret.encode(), b"confirm e-mail\0" + record, "sha256")[:_MAC_BYTES]
