"""A BFF as it is wired, over services in memory and a limiter whose store is in memory: what clients see of limits."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matapalo.app import Bff, create_app
from matapalo.process.clock import SystemClock
from matapalo.settings import Settings
from tests.harness.asgi import Response, post, request
from tests.harness.limits import MemoryStore
from tests.harness.shop import SHOP
from tests.harness.tokens import bearer, jwks
from tests.harness.upstream import FakeUpstream

NEWER = "application/graphql-response+json"


@dataclass
class LimitedBff:
    """One BFF. ``store`` may be away; ``upstream`` counts the REST calls."""

    app: Bff
    upstream: FakeUpstream
    store: MemoryStore

    async def query(
        self, query: str, *, tier: str | None = "free", sub: str = "cust_0001", accept: str = NEWER,
        **headers: str,
    ) -> Response:  # fmt: skip
        """Send ``query`` as ``sub`` of ``tier``; as an anonymous viewer when ``tier`` is None."""
        identity = {} if tier is None else bearer(sub, tier=tier)
        return await post(self.app, {"query": query}, accept=accept, **identity, **headers)

    async def admin(self, method: str, path: str, role: str = "operator", body: bytes = b"") -> Response:
        """Call `/admin` with a token of ``role``."""
        return await request(self.app, method, path=path, headers=bearer("op_1", role=role), body=body)


@asynccontextmanager
async def limited_bff(folder: Path, client: str = "web", **changes: Any) -> AsyncIterator[LimitedBff]:
    """A BFF that is running."""
    keys = folder / "jwks.json"
    keys.write_text(json.dumps(jwks()))
    settings: dict[str, Any] = {
        "environment": "development", "jwks_file": keys, "secrets": ("s" * 32,), "temporal_address": "127.0.0.1:1",
        "redis_url": "redis://127.0.0.1:1/0",
    }  # fmt: skip
    upstream, store = FakeUpstream(), MemoryStore(SystemClock())
    app = create_app(
        Settings(**(settings | changes)), SHOP, SHOP.clients[client], transport=upstream, limits_store=store
    )
    async with app.router.lifespan_context(app):
        yield LimitedBff(app, upstream, store)
        store.is_away = False
