"""The token in a confirmation email: it leads to the registration, and only the reader of the email can have it.

A workflow's id is shown to operators and in Temporal's UI, so the token is not the id alone but id and signature
(HMAC-SHA-1, itsdangerous' default): 71 characters, which fit into one line of an email. The first secret signs, tokens
of an older one are good as long as it is listed; the workflow ends their lifetime.
"""

from collections.abc import Sequence

from itsdangerous import BadData, Signer, base64_decode, base64_encode


def confirmation_token(secrets: Sequence[str], record_id: str) -> str:
    """The token for an idempotency record (64 hex characters)."""
    return _signer(secrets).sign(base64_encode(bytes.fromhex(record_id))).decode()


def confirmed_record_id(secrets: Sequence[str], token: str) -> str | None:
    """The record that ``token`` was made for; None for anything that was not signed by us."""
    try:
        return base64_decode(_signer(secrets).unsign(token)).hex()
    except BadData:
        return None


def _signer(secrets: Sequence[str]) -> Signer:
    return Signer([*reversed(secrets)], salt=b"confirm e-mail", key_derivation="hmac")  # the last of the list signs
