"""The issuer's public keys: a JWKS from a file (development) or an address (production), by key id.

An unknown id asks the source again, at most every ``min_interval_s``; so does any look-up once the set is older than
``max_age_s``. When the source does not answer, the keys in hand go on being used. The algorithm belongs to the key: a
token cannot choose another one. Raises `UpstreamUnavailable` when no key set could ever be read.
Source: RFC 7517, RFC 8725 §3.1.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from matapalo.errors import UpstreamUnavailable
from matapalo.process.clock import Clock

_log = logging.getLogger(__name__)

_FETCH_TIMEOUT_S = 2.0
_MAX_SET_BYTES = 100_000

LoadKeySet = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and the one algorithm it verifies."""

    id: str
    algorithm: str
    public_key: PyJWK


class Keys:
    """The keys of one source. Its time is the clock's monotonic scale."""

    def __init__(
        self, load: LoadKeySet, clock: Clock, *, min_interval_s: float = 30.0, max_age_s: float = 600.0
    ) -> None:
        self._load = load
        self._clock = clock
        self._min_interval_s = min_interval_s
        self._max_age_s = max_age_s
        self._keys: dict[str, Key] = {}
        self._asked_s: float | None = None
        self._asking = asyncio.Lock()

    async def find(self, key_id: str) -> Key | None:
        """The key called ``key_id``; None when the issuer has no such key."""
        known = self._keys.get(key_id)
        if known is not None and (not self._is_due(self._max_age_s) or self._asking.locked()):
            return known
        async with self._asking:
            if self._is_due(self._min_interval_s if key_id not in self._keys else self._max_age_s):
                await self._ask()
        if not self._keys:
            raise UpstreamUnavailable("The keys that verify tokens cannot be read now")
        return self._keys.get(key_id)

    async def is_ready(self) -> bool:
        """Whether there is a key to verify with."""
        async with self._asking:
            if not self._keys and self._is_due(self._min_interval_s):
                await self._ask()
        return bool(self._keys)

    def _is_due(self, interval_s: float) -> bool:
        return self._asked_s is None or self._clock.monotonic_s() - self._asked_s >= interval_s

    async def _ask(self) -> None:
        self._asked_s = self._clock.monotonic_s()
        try:
            self._keys = read_key_set(await self._load())
        except (OSError, ValueError, httpx.HTTPError) as error:
            _log.warning("the key set cannot be read: %s", error)


def read_key_set(document: bytes) -> dict[str, Key]:
    """The usable keys of a JWKS by id. Raises ``ValueError`` when it is no key set, or has none."""
    if len(document) > _MAX_SET_BYTES:
        raise ValueError(f"a key set of {len(document)} bytes is not believable")
    found = orjson.loads(document)
    entries = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(entries, list):
        raise ValueError("a key set is a JSON object with the member 'keys', a list")
    keys = [key for entry in entries if isinstance(entry, dict) if (key := _key(entry)) is not None]
    if not keys:
        raise ValueError("the key set has no key with a 'kid' for ES256, RS256 or EdDSA signatures")
    return {key.id: key for key in keys}


def _key(entry: dict[str, Any]) -> Key | None:
    """A key we verify with; None for encryption keys, symmetric keys and other algorithms."""
    algorithm = _algorithm(entry)
    key_id = entry.get("kid")
    if algorithm is None or not isinstance(key_id, str) or entry.get("use", "sig") != "sig":
        return None
    if entry.get("alg", algorithm) != algorithm:
        return None
    try:
        return Key(key_id, algorithm, PyJWK(entry, algorithm))
    except PyJWTError as error:
        _log.warning("key %s is left out: %s", key_id[:64], error)
        return None


def _algorithm(entry: dict[str, Any]) -> str | None:
    match entry.get("kty"), entry.get("crv"):
        case "EC", "P-256":
            return "ES256"
        case "RSA", _:
            return "RS256"
        case "OKP", "Ed25519":
            return "EdDSA"
    return None


def from_file(path: Path) -> LoadKeySet:
    """A key set in a file, read when asked: the launcher writes it before a BFF starts."""

    async def load() -> bytes:
        return path.read_bytes()  # noqa: ASYNC240  # a few hundred bytes on a local disk, once

    return load


def from_url(url: str, client: httpx.AsyncClient) -> LoadKeySet:
    """A key set at the identity provider."""

    async def load() -> bytes:
        response = await client.get(url, timeout=_FETCH_TIMEOUT_S, headers={"accept": "application/json"})
        response.raise_for_status()
        return response.content

    return load
