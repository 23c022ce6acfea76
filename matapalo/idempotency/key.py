"""The key under which a mutation happens once, and the id of its record.

A key is what the client chose: `Idempotency-Key: 8e03978e…`, bare or in the quotes that
draft-ietf-httpapi-idempotency-key wants (`"8e03978e…"`), 1 to 255 visible ASCII characters. Its record id is keyed with
a secret, so that ids that travel (order ids, workflow ids) reveal nothing about keys and cannot be chosen by a client.
"""

import hmac
import json
import re

from matapalo.errors import IdempotencyKeyInvalid

_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}")


def parse_key(sent: str) -> str:
    """The key in a header or an argument, without its quotes. Raises `IdempotencyKeyInvalid`."""
    quoted = len(sent) >= 2 and sent[0] == sent[-1] == '"'
    key = sent[1:-1] if quoted else sent
    if not _VISIBLE.fullmatch(key):
        raise IdempotencyKeyInvalid("an Idempotency-Key has 1 to 255 visible ASCII characters")
    return key


def record_id(secret: str, *, client: str, subject: str, field: str, key: str) -> str:
    """HMAC-SHA256 over client, subject, field and key, as 64 hex characters."""
    scope = json.dumps([client, subject, field, key], separators=(",", ":"))  # unambiguous, whatever is in the parts
    return hmac.digest(secret.encode(), scope.encode(), "sha256").hex()
