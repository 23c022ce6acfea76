"""From an ``Authorization`` header to a `Viewer`: the bearer token verified, and cached for a minute at most.

The algorithm belongs to the key: a token cannot choose one, nor bring a key along. Verifying costs 95-200 microseconds
of CPU, so a good token is cached by its SHA-256 until it expires or 60 s have passed; a bad one never is.
Raises `Unauthenticated`, which names the reason, and `UpstreamUnavailable` while there are no keys.
Source: RFC 6750, RFC 8725.
"""

import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import jwt
from cachetools import TLRUCache
from jwt.exceptions import (
    InvalidAudienceError,
    InvalidIssuerError,
    InvalidSignatureError,
    InvalidSubjectError,
    MissingRequiredClaimError,
    PyJWTError,
)
from jwt.types import Options

from matapalo.auth.claims import AUDIENCE, Reason, refused, remaining_s, viewer_of
from matapalo.auth.keys import Key, Keys
from matapalo.auth.viewer import ANONYMOUS, Viewer
from matapalo.errors import Unauthenticated
from matapalo.process.clock import Clock

CACHED_S = 60.0

SCHEMES = ("Bearer", "bearer", "BEARER")
"""The spellings that clients send. RFC 9110 allows any mixture; Envoy has to have each listed."""
AUTHORIZATION = rf"({'|'.join(SCHEMES)}) +[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
"""The whole header, for Python's `re` and for RE2."""
REFUSED_HEADERS = ("jku", "jwk", "x5u", "x5c", "x5t", "crit")
"""A key that comes with the token proves nothing; an extension marked critical is one we do not know."""

_AUTHORIZATION = re.compile(AUTHORIZATION)
_MAX_BYTES = 60 * 1024  # of all headers together, by Envoy's default

# Times are `matapalo.auth.claims`' to check.
_OPTIONS: Options = {
    "require": ["iss", "aud", "exp", "sub"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}

CountLookup = Callable[[bool], object]


class Tokens:
    """Authenticates bearer tokens of one issuer. ``count_lookup`` is told whether a token was cached."""

    def __init__(
        self,
        keys: Keys,
        clock: Clock,
        *,
        issuer: str,
        max_cached: int = 10_000,
        count_lookup: CountLookup = lambda _is_cached: None,
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._count_lookup = count_lookup
        self._verified: TLRUCache[bytes, tuple[Viewer, float]] = TLRUCache(
            max_cached, ttu=lambda _digest, verified, now_s: now_s + verified[1], timer=clock.monotonic_s
        )

    async def authenticate(self, authorization: str | None) -> Viewer:
        """The viewer that the header names; the anonymous one without a header."""
        if authorization is None:
            return ANONYMOUS
        digest = sha256(authorization.encode(errors="replace")).digest()
        try:
            viewer, _ = self._verified[digest]
        except KeyError:
            self._count_lookup(False)
            viewer, _ = self._verified[digest] = await self._verify(_bearer(authorization))
        else:
            self._count_lookup(True)
        return viewer

    async def _verify(self, token: str) -> tuple[Viewer, float]:
        claims = self._claims(token, await self._candidates(token))
        cacheable_s = min(remaining_s(claims, now_s=self._clock.now().timestamp()), CACHED_S)
        return viewer_of(claims), cacheable_s

    async def _candidates(self, token: str) -> Sequence[Key]:
        """The keys that may have signed the token: that of its key id, or all when it has none."""
        try:
            header = jwt.get_unverified_header(token)
        except (PyJWTError, ValueError, RecursionError):  # the last two from JSON that is hostile
            raise refused("malformed", "The token is not a JWT") from None
        for name in REFUSED_HEADERS:
            if name in header:
                raise refused("header", f"The token's header must not have {name!r}")
        keys = await self._keys.find(header.get("kid") or None)
        if not keys:
            raise refused("unknown_key", "The token is signed with a key that the issuer does not have (kid)")
        of_algorithm = [key for key in keys if key.algorithm == header.get("alg")]
        if not of_algorithm:
            raise refused("algorithm", f"The token's algorithm is not that of its key, {keys[0].algorithm} (alg)")
        return of_algorithm

    def _claims(self, token: str, keys: Sequence[Key]) -> dict[str, Any]:
        for key in keys:
            try:
                claims: dict[str, Any] = jwt.decode(
                    token,
                    key.public_key,
                    algorithms=[key.algorithm],
                    audience=AUDIENCE,
                    issuer=self._issuer,
                    options=_OPTIONS,
                )
            except InvalidSignatureError:
                continue
            except (PyJWTError, ValueError, RecursionError) as error:
                raise _refusal(error) from None
            return claims
        raise refused("signature", "The token's signature is not good")


def _bearer(authorization: str) -> str:
    authorization = authorization.strip()
    if len(authorization) > _MAX_BYTES or not _AUTHORIZATION.fullmatch(authorization):
        raise refused("malformed", "Authorization must be 'Bearer <token>', and the token a JWT")
    return authorization.rpartition(" ")[2]


_REASONS: dict[str, tuple[Reason, str]] = {
    "iss": ("issuer", "The token was issued by another issuer (iss)"),
    "aud": ("audience", f"The token is for another audience (aud): it must be {AUDIENCE!r}"),
    "exp": ("time", "The token has no end (exp)"),
    "sub": ("subject", "The token names no subject (sub)"),
}


def _refusal(error: Exception) -> Unauthenticated:
    match error:
        case MissingRequiredClaimError():
            claim = error.claim
        case InvalidIssuerError():
            claim = "iss"
        case InvalidAudienceError():
            claim = "aud"
        case InvalidSubjectError():
            claim = "sub"
        case _:
            return refused("malformed", "The token is not a JWT")
    return refused(*_REASONS[claim])
