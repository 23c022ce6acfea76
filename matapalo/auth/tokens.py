"""From an ``Authorization`` header to a `Viewer`: the bearer token verified, and remembered for a minute at most.

Verifying costs 95-200 microseconds of CPU, so a good token is kept by its SHA-256 until it expires or 60 s have passed,
the least recently used first out; what is not good is never kept. Raises `Unauthenticated`, with a reason that helps
and without the token, and `UpstreamUnavailable` while there are no keys. Source: RFC 6750, RFC 8725.
"""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import jwt
from jwt.exceptions import PyJWTError
from jwt.types import Options

from matapalo.auth.claims import expiry_s, viewer_of
from matapalo.auth.keys import Key, Keys
from matapalo.auth.viewer import ANONYMOUS, Viewer
from matapalo.errors import Unauthenticated
from matapalo.process.clock import Clock

REMEMBERED_S = 60.0
_MAX_TOKEN = 8_192

# A key that comes with the token proves nothing; an extension marked critical is one we do not know.
_REFUSED_HEADERS = ("jku", "jwk", "x5u", "x5c", "x5t", "crit")

_SIGNATURE_ONLY: Options = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}

CountLookup = Callable[[bool], None]


def uncounted(hit: bool) -> None:
    """Counts nothing."""


class Tokens:
    """Authenticates bearer tokens of one issuer. ``count_lookup`` is told whether a token was remembered."""

    def __init__(
        self,
        keys: Keys,
        clock: Clock,
        *,
        issuer: str,
        remembered: int = 10_000,
        count_lookup: CountLookup = uncounted,
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._max_remembered = remembered
        self._count_lookup = count_lookup
        self._verified: OrderedDict[bytes, tuple[Viewer, float]] = OrderedDict()

    async def authenticate(self, authorization: str | None) -> Viewer:
        """The viewer that the header names; the anonymous one without a header."""
        if authorization is None:
            return ANONYMOUS
        token = _bearer(authorization)
        digest = sha256(token.encode("ascii")).digest()
        now_s = self._clock.now().timestamp()
        viewer, until_s = self._verified.get(digest, (ANONYMOUS, 0.0))
        self._count_lookup(now_s < until_s)
        if now_s < until_s:
            self._verified.move_to_end(digest)
            return viewer
        viewer, expires_s = await self._verify(token)
        self._remember(digest, viewer, min(expires_s, now_s + REMEMBERED_S))
        return viewer

    async def _verify(self, token: str) -> tuple[Viewer, float]:
        key = await self._key_for(token)
        claims = _claims(token, key)
        return viewer_of(claims, now=self._clock.now(), issuer=self._issuer), expiry_s(claims)

    async def _key_for(self, token: str) -> Key:
        try:
            header = jwt.get_unverified_header(token)
        except (PyJWTError, ValueError, RecursionError):  # the last two from JSON that is hostile
            raise Unauthenticated("The token is not a JWT") from None
        for name in _REFUSED_HEADERS:
            if name in header:
                raise Unauthenticated(f"The token's header must not have {name!r}")
        key_id = header.get("kid")
        if not isinstance(key_id, str):
            raise Unauthenticated("The token's header has no 'kid' that names a key of the issuer")
        key = await self._keys.find(key_id)
        if key is None:
            raise Unauthenticated("The token is signed with a key that the issuer does not have (kid)")
        if header.get("alg") != key.algorithm:
            raise Unauthenticated(f"The token's algorithm is not that of its key, {key.algorithm} (alg)")
        return key

    def _remember(self, digest: bytes, viewer: Viewer, until_s: float) -> None:
        self._verified[digest] = (viewer, until_s)
        self._verified.move_to_end(digest)
        while len(self._verified) > self._max_remembered:
            self._verified.popitem(last=False)


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Authorization must be 'Bearer <token>'")
    if len(token) > _MAX_TOKEN or not token.isascii():
        raise Unauthenticated("The token is not a JWT")
    return token


def _claims(token: str, key: Key) -> dict[str, Any]:
    """The claims, once the signature is good. Times and names are `matapalo.auth.claims`' to judge."""
    try:
        claims: dict[str, Any] = jwt.decode(token, key.public_key, algorithms=[key.algorithm], options=_SIGNATURE_ONLY)
    except (PyJWTError, ValueError, RecursionError):
        raise Unauthenticated("The token's signature is not good") from None
    return claims
