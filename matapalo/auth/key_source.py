"""Where the keys come from that verify tokens: a JWKS file (development, or mounted), or an identity provider's URL.

The algorithm is pinned: only ES256 keys are accepted, whatever a token's header says. A file with a private key in it
is refused, because its text is copied into Envoy's configuration. Shapes: RFC 7517 (JWKS), RFC 7518 (ES256 on P-256).
"""

import json
from typing import Any, NamedTuple, TypeAlias

from matapalo.strangler.errors import InvalidSettings
from matapalo.strangler.settings import Settings

ALGORITHM = "ES256"


class InlineKeys(NamedTuple):
    """A JWKS as text, public keys only."""

    jwks: str


class KeysAt(NamedTuple):
    """The address of a JWKS."""

    url: str


KeySource: TypeAlias = InlineKeys | KeysAt


def key_source(settings: Settings) -> KeySource:
    """The keys of this process. Raises InvalidSettings when the file is unreadable or no set of public ES256 keys."""
    if settings.jwks_url is not None:
        return KeysAt(settings.jwks_url)
    path = settings.jwks_file
    assert path is not None, "the settings insist on one of the two"  # noqa: S101 - narrows the type
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidSettings([f"GATEWAY_JWKS_FILE {str(path)!r} cannot be read: {error.strerror}"]) from error
    if problem := _problem_with(text):
        raise InvalidSettings([f"GATEWAY_JWKS_FILE {str(path)!r} {problem}"])
    return InlineKeys(text)


def _problem_with(text: str) -> str | None:
    try:
        keys: Any = json.loads(text)["keys"]
        if not keys:
            return "has no keys: put at least one ES256 public key into it"
        if any("d" in key for key in keys):
            return "holds a private key (member 'd'): publish only the public part"
        if any((key["kty"], key["crv"]) != ("EC", "P-256") for key in keys):
            return "holds a key that is not EC P-256: tokens are signed with ES256"
    except (ValueError, KeyError, TypeError):
        return 'is no JWKS: write {"keys": [{"kty": "EC", "crv": "P-256", "kid": …, "x": …, "y": …}]}'
    return None
