"""The ASGI application: body, token, operation, response."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson
import pyreqwest.client
import redis.asyncio as redis

from benchmarks.contestants.handwritten.operations import Sources, operations
from benchmarks.contestants.setup import Setup, claims_of, identity_headers, serve

CACHED_S = 60
MOST_TOKENS = 10_000


class Params(msgspec.Struct):
    """The members of a request that these operations need."""

    query: str | None = None
    extensions: dict[str, Any] = {}

    def operation(self) -> str:
        """Its text or its hash."""
        return self.query if self.query is not None else str(self.extensions["persistedQuery"]["sha256Hash"])


class Handwritten:
    """The ASGI application. Anything but the operations is a KeyError, and so a 500."""

    def __init__(self, setup: Setup) -> None:
        self._base_url = setup.gateway_url
        self._key = setup.signing_key()
        self._operations = operations(setup.client)
        self._redis = redis.Redis.from_url(setup.redis_url, protocol=2)
        self._params = msgspec.json.Decoder(Params)
        self._identities: dict[str, tuple[dict[str, str], float]] = {}
        self._client = (
            pyreqwest.client.ClientBuilder().no_proxy().follow_redirects(False).timeout(timedelta(seconds=10)).build()
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        params = self._params.decode(await read_body(receive))
        (authorization,) = (value for name, value in scope["headers"] if name == b"authorization")
        sources = Sources(self._client, self._base_url, self._identity(authorization.decode()), self._redis)
        body = orjson.dumps({"data": await self._operations[params.operation()](sources)})
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def aclose(self) -> None:
        """Close what is open."""
        await self._client.close()
        await self._redis.aclose()

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    def _identity(self, authorization: str) -> dict[str, str]:
        now_s = datetime.now(UTC).timestamp()
        identity, until_s = self._identities.get(authorization, ({}, 0.0))
        if until_s <= now_s:
            claims = claims_of(authorization, self._key)
            identity = identity_headers(claims)
            if len(self._identities) >= MOST_TOKENS:
                self._identities.clear()
            self._identities[authorization] = identity, min(claims["exp"], now_s + CACHED_S)
        return identity


async def read_body(receive: Any) -> bytes:
    """The whole body of a request."""
    body = bytearray()
    is_complete = False
    while not is_complete:
        message = await receive()
        body += message["body"]
        is_complete = not message["more_body"]
    return bytes(body)


if __name__ == "__main__":
    serve(Handwritten)
