"""An operator with the admin API, and the control plane behind it."""

from typing import Any

import httpx

from tests.harness.tokens import bearer
from tests.matapalo.strangler.harness import Harness

OPERATOR = bearer("op_1", role="operator")


class Client:
    """Sends what an operator sends."""

    def __init__(self, harness: Harness, http: httpx.AsyncClient) -> None:
        self.harness = harness
        self.http = http

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        named = OPERATOR | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, path, json=body, headers=named)

    def share_bp(self) -> int:
        assert self.harness.store.document is not None
        return self.harness.store.document.route("orders").share_bp
