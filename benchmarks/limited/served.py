"""One of the processes that are measured: `python -m benchmarks.limited.served KIND PORT SERVICES_PORT REDIS FOLDER`.

``limited`` and ``unlimited`` are the mobile BFF with and without the limiter, ``empty`` is an ASGI application that
responds with one byte, ``services`` responds to the two REST calls of the home screen from memory. All run as
`matapalo serve mobile` does.
"""

import sys
from pathlib import Path
from typing import Any

import orjson
import uvicorn

from matapalo.app import create_app
from matapalo.project.reader import load
from matapalo.ratelimit.extension import RateLimits
from matapalo.settings import Settings

MONEY = {"amount_minor": 12_345, "currency": "EUR"}
ORDER = {
    "customer_id": "cust_0001", "placed_at": "2026-03-01T12:00:00Z", "status": "SHIPPED", "total": MONEY,
    "items_count": 2, "cancel_reason": None,
    "items": [
        {"product_id": f"prod_{number:04}", "product_name": "A product", "quantity": 1, "unit_price": MONEY}
        for number in (1, 2)
    ],
}  # fmt: skip
CUSTOMER = {
    "id": "cust_0001", "name": "Ana Vega", "email": "ana@example.com", "phone": None, "address": None,
    "preferences": None, "member_since": "2020-01-01T00:00:00Z", "loyalty_points": 12, "avatar_url": None,
}  # fmt: skip
ORDERS = [{"id": f"ord_{number}", **ORDER} for number in range(5)]
RESPONSES = {
    "/api/customers": orjson.dumps({"items": [CUSTOMER], "next_cursor": None}),
    "/api/orders/by-customer": orjson.dumps(
        {"items": [{"customer_id": "cust_0001", "items": ORDERS, "next_cursor": None}]}
    ),
}


def in_memory(responses: dict[str, bytes]) -> Any:
    """An ASGI application that responds from memory; with one byte to paths it does not have."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        await receive()
        body = responses.get(scope["path"], b" ")
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def bff(services_port: str, redis_url: str, folder: Path) -> Any:
    """The mobile BFF over services in memory."""
    project = load()
    settings = Settings(
        environment="development",
        jwks_file=folder / "keys" / "jwks.json",
        secrets=("s" * 32,),
        gateway_url=f"http://127.0.0.1:{services_port}",
        redis_url=redis_url,
        temporal_address="127.0.0.1:1",
        tiers_file=folder / "tiers.toml",
        address_requests_per_second=1_000_000,
    )
    return create_app(settings, project, project.clients["mobile"])


def without_limits(limits: RateLimits, schema: object) -> None:
    """Instead of `RateLimits.install`: operations pass as they did before there was a limiter."""


def main() -> None:
    """Serve one kind of process until SIGTERM."""
    kind, port, services_port, redis_url, folder = sys.argv[1:]
    if kind == "unlimited":
        RateLimits.install = without_limits  # type: ignore[method-assign,assignment]
    if kind in ("limited", "unlimited"):
        app = bff(services_port, redis_url, Path(folder))
    else:
        app = in_memory(RESPONSES if kind == "services" else {})
    uvicorn.run(app, port=int(port), loop="uvloop", http="httptools", access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
