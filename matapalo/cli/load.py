"""Realistic traffic through the edge of one platform: what its shops and scripts would read, at a steady rate.

Requests begin when they are due, whether earlier ones have ended or not, up to a number in flight; what is due beyond
that is counted as skipped. Loopback only: the address is the platform's own. Latencies in ms.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple

import httpx

from matapalo.launcher import keys
from matapalo.launcher.keys import Role, Tier
from matapalo.launcher.platform import EDGE_PORT, Platform

MAX_IN_FLIGHT = 64
CUSTOMERS = 200
TIMEOUT_S = 10.0

_DASHBOARD = """query Dashboard { dashboard { customer { id name } recentOrders(first: 5) { id status
  total { formatted } items { productName quantity } } recommendations(first: 4) { id name } } }"""
_HOME = "query Home { home { customer { name } recentOrders { id total status } } }"
_WEB = {"x-client-name": "web-shop", "x-client-version": "3.4.0", "user-agent": "Mozilla/5.0 (demo traffic)"}
_APP = {"x-client-name": "ios-app", "x-client-version": "7.1.2", "user-agent": "Shop/7.1.2 (demo traffic)"}
_ERP = {"x-client-name": "erp-export", "x-client-version": "0.9", "user-agent": "erp-export/0.9 (demo traffic)"}


class Ask(NamedTuple):
    """One kind of request and how often it is made. ``path`` may name the {customer} and a {product}."""

    weight: int
    name: str
    path: str
    headers: dict[str, str]
    query: str | None = None
    signed_in: bool = True


MIX: Sequence[Ask] = (
    Ask(25, "orders", "/api/orders?limit=10", _WEB),
    Ask(15, "summary", "/api/orders/summary?customer_id={customer}", _ERP),
    Ask(15, "products", "/api/products?limit=20", _APP, signed_in=False),
    Ask(10, "product", "/api/products/{product}", _WEB, signed_in=False),
    Ask(10, "customer", "/api/customers/{customer}", _APP),
    Ask(5, "recommended", "/api/recommendations?limit=5", _APP, signed_in=False),
    Ask(12, "dashboard", "/web/graphql", _WEB, query=_DASHBOARD),
    Ask(8, "home", "/mobile/graphql", _APP, query=_HOME),
)


@dataclass
class Totals:
    """What came of it."""

    began_s: float = field(default_factory=time.monotonic)
    asked: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    targets: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    skipped: int = 0

    @property
    def total(self) -> int:
        """All requests that ended."""
        return len(self.latencies_ms)

    def quantile_ms(self, q: float) -> float:
        """The latency that the share ``q`` stays below; 0 without requests."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else 0.0

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        seconds = time.monotonic() - self.began_s
        return {
            "seconds": round(seconds, 1),
            "requests": self.total,
            "rps": round(self.total / seconds, 1) if seconds else 0,
            "failed": sum(self.failed.values()),
            "failures": dict(self.failed),
            "skipped": self.skipped,
            "targets": dict(self.targets),
            "asked": dict(self.asked),
            "p50_ms": round(self.quantile_ms(0.5), 1),
            "p95_ms": round(self.quantile_ms(0.95), 1),
            "p99_ms": round(self.quantile_ms(0.99), 1),
        }


async def run(
    platform: Platform, *, rps: float, seconds: float | None, seed: int, on_second: Callable[[Totals], None]
) -> Totals:
    """Asks until ``seconds`` are over (None: until cancelled); the totals, which ``on_second`` sees on the way."""
    totals = Totals()
    chosen = Random(seed)  # noqa: S311 - the same traffic for the same seed
    customers = [f"cust_{number:04}" for number in range(1, CUSTOMERS + 1)]
    tokens = {customer: _token(platform, customer) for customer in customers}
    limits = httpx.Limits(max_connections=MAX_IN_FLIGHT, max_keepalive_connections=MAX_IN_FLIGHT)
    in_flight: set[asyncio.Task[None]] = set()
    async with httpx.AsyncClient(
        base_url=platform.url(EDGE_PORT), timeout=TIMEOUT_S, limits=limits, trust_env=False
    ) as http:
        shown_s = totals.began_s
        for number in itertools.count():
            if seconds is not None and number >= round(seconds * rps):
                break
            await asyncio.sleep(max(0.0, totals.began_s + number / rps - time.monotonic()))
            (ask,) = chosen.choices(MIX, [kind.weight for kind in MIX])
            customer = chosen.choice(customers)
            product = f"prod_{chosen.randint(1, 500):04}"
            if len(in_flight) >= MAX_IN_FLIGHT:
                totals.skipped += 1
            else:
                task = asyncio.create_task(_ask(http, ask, customer, product, tokens[customer], totals))
                in_flight.add(task)
                task.add_done_callback(in_flight.discard)
            if time.monotonic() - shown_s >= 1:
                shown_s = time.monotonic()
                on_second(totals)
        await asyncio.gather(*in_flight)
    return totals


async def _ask(http: httpx.AsyncClient, ask: Ask, customer: str, product: str, token: str, totals: Totals) -> None:
    headers = ask.headers | ({"authorization": f"Bearer {token}"} if ask.signed_in else {})
    path = ask.path.format(customer=customer, product=product)
    began_s = time.monotonic()
    try:
        if ask.query is None:
            answer = await http.get(path, headers=headers)
        else:
            answer = await http.post(path, headers=headers, json={"query": ask.query})
        problem = _problem(ask, answer)
        if target := answer.headers.get("x-strangler-target"):
            totals.targets[f"{ask.path.split('/')[2].partition('?')[0]} {target}"] += 1
    except httpx.HTTPError as error:
        problem = type(error).__name__
    totals.latencies_ms.append((time.monotonic() - began_s) * 1000)
    totals.asked[ask.name] += 1
    if problem:
        totals.failed[f"{ask.name}: {problem}"] += 1


def _problem(ask: Ask, answer: httpx.Response) -> str | None:
    if answer.status_code >= 400:
        return str(answer.status_code)
    if ask.query is not None and (errors := answer.json().get("errors")):
        return str(errors[0].get("extensions", {}).get("code", "error"))
    return None


def _token(platform: Platform, customer: str) -> str:
    return keys.token(
        platform.data.keys,
        subject=customer,
        tier=Tier.ENTERPRISE,
        role=Role.CUSTOMER,
        cohort=None,
        lifetime=timedelta(hours=12),
    )
