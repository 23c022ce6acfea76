"""Codes that open the console once: `matapalo console` mints one, the browser exchanges it for a session.

    gateway:console:code:<sha256 of the code>     the operator's token, sealed; expires after 30 s

The token is sealed under a key that only the code yields, so Redis never holds a token that could be read. GETDEL makes
a code work once, whichever replica is asked. Source of the seal: Fernet (AES-128-CBC and HMAC-SHA256).
Raises StoreUnavailable.
"""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Awaitable
from hashlib import sha256
from typing import Protocol, cast

from cryptography.fernet import Fernet
from redis.asyncio import Redis
from redis.exceptions import RedisError

from matapalo.strangler.errors import StoreUnavailable

CODE_LIVES_S = 30
_KEY = "gateway:console:code:"


class Codes(Protocol):
    """Where codes are kept."""

    async def mint(self, token: str) -> str:
        """A new code for a token that has been verified."""
        ...

    async def exchange(self, code: str) -> str | None:
        """The token of a code, once; None when it was used, has expired or never existed."""
        ...


class RedisCodes:
    """The codes of all replicas."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def mint(self, token: str) -> str:
        """A new code for a token that has been verified."""
        code = secrets.token_urlsafe(32)
        try:
            await self._redis.set(_place(code), _seal(code).encrypt(token.encode()), ex=CODE_LIVES_S)
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis does not answer, so there is nowhere to keep a code: {error}") from error
        return code

    async def exchange(self, code: str) -> str | None:
        """The token of a code, once; None when it was used, has expired or never existed."""
        try:
            sealed = await cast("Awaitable[bytes | None]", self._redis.getdel(_place(code)))
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis does not answer, so the code cannot be exchanged: {error}") from error
        return None if sealed is None else _seal(code).decrypt(sealed).decode()

    async def close(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()


def _place(code: str) -> str:
    return _KEY + sha256(b"place:" + code.encode()).hexdigest()


def _seal(code: str) -> Fernet:
    return Fernet(urlsafe_b64encode(sha256(b"seal:" + code.encode()).digest()))
