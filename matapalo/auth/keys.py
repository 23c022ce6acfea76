"""The issuer's public keys: a JWKS from a file (development, or mounted) or an address (production).

An unknown id asks the source again, at most every ``min_interval_s``; so does any look-up once the set is older than
``max_age_s``. When the source does not answer, the keys in hand go on being used. The algorithm belongs to the key: a
token cannot choose another one. Raises `UpstreamUnavailable` when no key set could ever be read.
Source: RFC 7517, RFC 8725 §3.1.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import httpx
import orjson
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from matapalo.errors import UpstreamUnavailable
from matapalo.process.clock import Clock

_log = logging.getLogger(__name__)

_FETCH_TIMEOUT_S = 2.0
_MAX_SET_BYTES = 100_000

ALGORITHMS = ("ES256", "RS256", "EdDSA")
"""One for each kind of key that is used."""

LoadKeySet = Callable[[], Awaitable[bytes]]


class Key(NamedTuple):
    """A public key and the one algorithm it verifies."""

    id: str | None
    algorithm: str
    public_key: PyJWK


class InlineKeys(NamedTuple):
    """A JWKS as text: public keys only, each with its algorithm."""

    jwks: str


class KeysAt(NamedTuple):
    """The address of a JWKS."""

    url: str


KeySource: TypeAlias = InlineKeys | KeysAt


class Keys:
    """The keys of one source. Its time is the clock's monotonic scale."""

    def __init__(
        self, load: LoadKeySet, clock: Clock, *, min_interval_s: float = 30.0, max_age_s: float = 600.0
    ) -> None:
        self._load = load
        self._clock = clock
        self._min_interval_s = min_interval_s
        self._max_age_s = max_age_s
        self._keys: tuple[Key, ...] = ()
        self._loaded_s: float | None = None
        self._loading = asyncio.Lock()

    async def find(self, key_id: str | None) -> Sequence[Key]:
        """The keys that may be meant by ``key_id``, which is None when a token names none; empty when there are none.

        As Envoy does: a key without an id may be any, and a token without a key id may be signed with any.
        """
        keys = self._named(key_id)
        if keys and (not self._is_due(self._max_age_s) or self._loading.locked()):
            return keys
        async with self._loading:
            if self._is_due(self._max_age_s if self._named(key_id) else self._min_interval_s):
                await self._refresh()
        if not self._keys:
            raise UpstreamUnavailable("The keys that verify tokens cannot be read now")
        return self._named(key_id)

    async def is_ready(self) -> bool:
        """Whether there is a key to verify with."""
        async with self._loading:
            if not self._keys and self._is_due(self._min_interval_s):
                await self._refresh()
        return bool(self._keys)

    def _named(self, key_id: str | None) -> list[Key]:
        return [key for key in self._keys if key_id is None or key.id is None or key.id == key_id]

    def _is_due(self, interval_s: float) -> bool:
        return self._loaded_s is None or self._clock.monotonic_s() - self._loaded_s >= interval_s

    async def _refresh(self) -> None:
        self._loaded_s = self._clock.monotonic_s()
        try:
            self._keys = read_key_set(await self._load())
        except (OSError, ValueError, httpx.HTTPError) as error:
            _log.warning("the key set cannot be used: %s", error)


def read_key_set(document: bytes) -> tuple[Key, ...]:
    """The usable keys of a JWKS. Raises ``ValueError`` when it is no key set, or has none."""
    return tuple(key for key, _ in _usable(_entries(document)))


def public_key_set(document: bytes) -> InlineKeys:
    """The usable keys of a JWKS, for Envoy's configuration. Raises ``ValueError`` also when it holds a private key."""
    entries = _entries(document)
    if any("d" in entry for entry in entries):
        raise ValueError("holds a private key (member 'd'): publish only the public part")
    # Each with its algorithm: without it Envoy would take any that the kind of key allows.
    public = [{**entry, "alg": key.algorithm} for key, entry in _usable(entries)]
    return InlineKeys(orjson.dumps({"keys": public}).decode())


def _entries(document: bytes) -> list[dict[str, Any]]:
    if len(document) > _MAX_SET_BYTES:
        raise ValueError(f"has {len(document)} bytes: too many for a key set")
    try:
        entries = orjson.loads(document)["keys"]
    except (ValueError, KeyError, TypeError):
        entries = None
    if not isinstance(entries, list):
        raise ValueError('is no JWKS: write {"keys": [{"kty": "EC", "crv": "P-256", "kid": …, "x": …, "y": …}]}')
    return [entry for entry in entries if isinstance(entry, dict)]


def _usable(entries: list[dict[str, Any]]) -> list[tuple[Key, dict[str, Any]]]:
    keys = [(key, entry) for entry in entries if (key := _key(entry)) is not None]
    if not keys:
        raise ValueError(f"has no key for {', '.join(ALGORITHMS)} signatures")
    return keys


def _key(entry: dict[str, Any]) -> Key | None:
    """A key we verify with; None for encryption keys, symmetric keys and other algorithms."""
    algorithm, key_id = _algorithm(entry), entry.get("kid")
    if algorithm is None or not isinstance(key_id, str | None) or entry.get("use", "sig") != "sig":
        return None
    if entry.get("alg", algorithm) != algorithm:
        return None
    try:
        return Key(key_id or None, algorithm, PyJWK(entry, algorithm))
    except PyJWTError as error:
        _log.warning("key %s is left out: %s", str(key_id)[:64], error)
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
    """Read a key set in a file, which may be written later than this process starts."""

    async def load() -> bytes:
        return path.read_bytes()  # noqa: ASYNC240  # a few hundred bytes on a local disk, once

    return load


def from_url(url: str, client: httpx.AsyncClient) -> LoadKeySet:
    """Read the key set of an identity provider."""

    async def load() -> bytes:
        response = await client.get(url, timeout=_FETCH_TIMEOUT_S, headers={"accept": "application/json"})
        response.raise_for_status()
        return response.content

    return load


def from_source(source: KeySource, client: httpx.AsyncClient) -> LoadKeySet:
    """Read the key set where ``source`` says."""
    if isinstance(source, KeysAt):
        return from_url(source.url, client)

    async def load() -> bytes:
        return source.jwks.encode()

    return load
