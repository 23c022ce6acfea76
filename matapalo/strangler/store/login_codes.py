"""Codes that open the console once: `matapalo console` has one minted, the browser exchanges it for a session.

    gateway:console:code:<sha256 of the code>     the operator's token, encrypted; expires after 30 s

The token is encrypted under a key that only the code yields, so Redis never holds a token that could be read. GETDEL
makes a code work once, whichever replica is asked. Cipher: Fernet (AES-128-CBC and HMAC-SHA256).
Raises RedisUnavailable.
"""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Awaitable
from hashlib import sha256
from typing import cast

from cryptography.fernet import Fernet
from redis.asyncio import Redis

from matapalo.process.outage import outage
from matapalo.strangler.errors import RedisUnavailable

CODE_LIVES_S = 30
EXCHANGE_PATH = "/console/enter"
_KEY = "gateway:console:code:"


class LoginCodes:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def mint(self, token: str) -> str:
        """A new code for a token that has been verified."""
        code = secrets.token_urlsafe(32)
        with outage(RedisUnavailable):
            await self._redis.set(_key(code), _cipher(code).encrypt(token.encode()), ex=CODE_LIVES_S)
        return code

    async def exchange(self, code: str) -> str | None:
        """The token of a code, once; None when it was used, has expired or never existed."""
        with outage(RedisUnavailable):
            encrypted = await cast("Awaitable[bytes | None]", self._redis.getdel(_key(code)))
        return None if encrypted is None else _cipher(code).decrypt(encrypted).decode()


def _key(code: str) -> str:
    return _KEY + sha256(b"key:" + code.encode()).hexdigest()


def _cipher(code: str) -> Fernet:
    return Fernet(urlsafe_b64encode(sha256(b"cipher:" + code.encode()).digest()))
