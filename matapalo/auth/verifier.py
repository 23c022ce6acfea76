"""From a bearer token to a Caller: who asks the control plane for something, and in which role.

ES256 only, whatever the token's header says; `iss`, `aud`, `exp`, `iat` and `sub` are required and a token lives at
most 24 hours. Keys from a URL are kept for five minutes; an unknown key id asks again, at most once in ten seconds.
Verified tokens are remembered by their sha256 for up to a minute, a thousand of them: a verification costs 100-200 µs.
Raises Unauthenticated with a sentence that tells nothing a caller should not know.
"""

import hashlib
from typing import Any, NamedTuple, Protocol

import httpx
import jwt

from matapalo.auth.key_source import ALGORITHM, InlineKeys, KeysAt, KeySource
from matapalo.process.clock import Clock
from matapalo.strangler.errors import Unauthenticated

AUDIENCE = "matapalo"
MAX_LIFETIME_S = 24 * 3600
LEEWAY_S = 60
REMEMBERED_S = 60.0
MAX_REMEMBERED = 1_000
KEYS_KEPT_S = 300.0
KEYS_ASKED_AGAIN_AFTER_S = 10.0


class Caller(NamedTuple):
    """Who is asking."""

    subject: str
    role: str


class Keys(Protocol):
    """The current public keys."""

    async def find(self, key_id: str | None) -> jwt.PyJWK:
        """The key of this id; without an id the only one. Raises Unauthenticated."""
        ...


class _Verified(NamedTuple):
    caller: Caller
    until_s: float


class TokenVerifier:
    """Verifies what is in an `Authorization` header."""

    def __init__(self, keys: Keys, *, issuer: str, clock: Clock) -> None:
        self._keys = keys
        self._issuer = issuer
        self._clock = clock
        self._verified: dict[bytes, _Verified] = {}

    async def verify(self, authorization: str | None) -> Caller:
        """The caller of a request. Raises Unauthenticated."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("send a token: Authorization: Bearer …")
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is None or known.until_s <= self._clock.monotonic_s():
            known = self._remember(digest, await self._claims(token))
        return known.caller

    def _remember(self, digest: bytes, claims: dict[str, Any]) -> _Verified:
        remaining_s = claims["exp"] - self._clock.now().timestamp()
        caller = Caller(subject=str(claims["sub"]), role=str(claims.get("role", "")))
        found = _Verified(caller, self._clock.monotonic_s() + min(remaining_s, REMEMBERED_S))
        if len(self._verified) >= MAX_REMEMBERED:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = found
        return found

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            key = await self._keys.find(jwt.get_unverified_header(token).get("kid"))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                leeway=LEEWAY_S,
                options={"require": ["iss", "aud", "exp", "iat", "sub"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("the token has expired") from error
        except jwt.PyJWTError as error:
            raise Unauthenticated("the token does not verify") from error
        if claims["exp"] - claims["iat"] > MAX_LIFETIME_S:
            raise Unauthenticated("the token lives longer than 24 hours")
        return claims


class FileKeys:
    """Keys that were read at the start."""

    def __init__(self, jwks: str) -> None:
        self._keys = jwt.PyJWKSet.from_json(jwks).keys

    async def find(self, key_id: str | None) -> jwt.PyJWK:
        """The key of this id; without an id the only one. Raises Unauthenticated."""
        return _pick(self._keys, key_id)


class RemoteKeys:
    """Keys of an identity provider."""

    def __init__(self, url: str, *, http: httpx.AsyncClient, clock: Clock) -> None:
        self._url = url
        self._http = http
        self._clock = clock
        self._keys: list[jwt.PyJWK] = []
        self._asked_at_s: float | None = None

    async def find(self, key_id: str | None) -> jwt.PyJWK:
        """The key of this id; without an id the only one. Raises Unauthenticated."""
        if self._age_s() > KEYS_KEPT_S:
            await self._ask()
        try:
            return _pick(self._keys, key_id)
        except Unauthenticated:
            if self._age_s() < KEYS_ASKED_AGAIN_AFTER_S:
                raise
        await self._ask()
        return _pick(self._keys, key_id)

    def _age_s(self) -> float:
        return float("inf") if self._asked_at_s is None else self._clock.monotonic_s() - self._asked_at_s

    async def _ask(self) -> None:
        self._asked_at_s = self._clock.monotonic_s()
        try:
            response = await self._http.get(self._url)
            response.raise_for_status()
            self._keys = jwt.PyJWKSet.from_json(response.text).keys
        except (httpx.HTTPError, jwt.PyJWTError, ValueError) as error:
            if not self._keys:  # old keys are better than nobody getting in
                raise Unauthenticated("the keys that verify tokens cannot be fetched: try again later") from error


def keys_of(source: KeySource, *, http: httpx.AsyncClient, clock: Clock) -> Keys:
    """The keys from where the settings say."""
    match source:
        case InlineKeys(jwks):
            return FileKeys(jwks)
        case KeysAt(url):
            return RemoteKeys(url, http=http, clock=clock)


def _pick(keys: list[jwt.PyJWK], key_id: str | None) -> jwt.PyJWK:
    found = [key for key in keys if key_id is None or key.key_id == key_id]
    if len(found) != 1:
        raise Unauthenticated("the token does not verify")
    return found[0]
