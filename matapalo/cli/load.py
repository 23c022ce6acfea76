"""Realistic traffic through the edge of one platform: what a project's own mix says, at a steady rate.

Requests begin when they are due, whether earlier ones have ended or not, up to a number in flight; what is due beyond
that is counted as skipped. Loopback only: the address is the platform's own. Latencies in ms.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import msgspec

from matapalo.launcher import keys
from matapalo.launcher.errors import BadInput
from matapalo.launcher.platform import EDGE_PORT, Platform

MAX_IN_FLIGHT = 64
TIMEOUT_S = 10.0


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of request and how often it is made, as a share of all weights. ``path`` may name values."""

    name: str
    weight: int
    path: str
    client: str
    query: str | None = None
    signed_in: bool = True


class Values(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ids that a path may name: ``format`` applied to 1, 2, … ``count``."""

    format: str
    count: int


class Mix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a project's traffic is made of; ``subject`` names the values that tokens are made for."""

    subject: str
    values: dict[str, Values]
    clients: dict[str, dict[str, str]]
    requests: list[Request]


def read(path: Path) -> Mix:
    """The mix in a TOML file. Raises BadInput."""
    try:
        mix = msgspec.toml.decode(path.read_bytes(), type=Mix)
    except (OSError, msgspec.DecodeError) as error:
        raise BadInput(f"{path}: {error}") from error
    if mix.subject not in mix.values or not mix.requests:
        raise BadInput(f"{path}: subject must name one of [values], and there must be [[requests]]")
    for request in mix.requests:
        if request.client not in mix.clients:
            raise BadInput(
                f"{path}: request {request.name} is of client {request.client!r}: add [clients.{request.client}]"
            )
    return mix


@dataclass
class Totals:
    """How the requests ended so far."""

    began_s: float = field(default_factory=time.monotonic)
    sent: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    targets: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    skipped: int = 0

    @property
    def total(self) -> int:
        return len(self.latencies_ms)

    def quantile_ms(self, q: float) -> float:
        """The latency that the share ``q`` stays below; 0 without requests."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else 0.0

    def as_json(self) -> dict[str, Any]:
        seconds = time.monotonic() - self.began_s
        return {
            "seconds": round(seconds, 1),
            "requests": self.total,
            "rps": round(self.total / seconds, 1) if seconds else 0,
            "failed": sum(self.failed.values()),
            "failures": dict(self.failed),
            "skipped": self.skipped,
            "targets": dict(self.targets),
            "sent": dict(self.sent),
            "p50_ms": round(self.quantile_ms(0.5), 1),
            "p95_ms": round(self.quantile_ms(0.95), 1),
            "p99_ms": round(self.quantile_ms(0.99), 1),
        }


async def run(
    platform: Platform, mix: Mix, *, rps: float, seconds: float | None, seed: int, on_second: Callable[[Totals], None]
) -> Totals:
    """Send requests until ``seconds`` are over (None: until cancelled); ``on_second`` sees the totals on the way."""
    totals = Totals()
    chosen = Random(seed)  # noqa: S311 - the same traffic for the same seed
    ids = {name: [row.format.format(n) for n in range(1, row.count + 1)] for name, row in mix.values.items()}
    tokens = {subject: keys.token(platform.data.keys, subject=subject) for subject in ids[mix.subject]}
    weights = [request.weight for request in mix.requests]
    limits = httpx.Limits(max_connections=MAX_IN_FLIGHT, max_keepalive_connections=MAX_IN_FLIGHT)
    in_flight: set[asyncio.Task[None]] = set()
    async with httpx.AsyncClient(
        base_url=platform.url(EDGE_PORT), timeout=TIMEOUT_S, limits=limits, trust_env=False
    ) as http:
        reported_s = totals.began_s
        for number in itertools.count():
            if seconds is not None and number >= round(seconds * rps):
                break
            await asyncio.sleep(max(0.0, totals.began_s + number / rps - time.monotonic()))
            (request,) = chosen.choices(mix.requests, weights)
            values = {name: chosen.choice(candidates) for name, candidates in ids.items()}
            if len(in_flight) >= MAX_IN_FLIGHT:
                totals.skipped += 1
            else:
                task = asyncio.create_task(_send(http, mix, request, values, tokens[values[mix.subject]], totals))
                in_flight.add(task)
                task.add_done_callback(in_flight.discard)
            if time.monotonic() - reported_s >= 1:
                reported_s = time.monotonic()
                on_second(totals)
        await asyncio.gather(*in_flight)
    return totals


async def _send(
    http: httpx.AsyncClient, mix: Mix, request: Request, values: dict[str, str], token: str, totals: Totals
) -> None:
    headers = {"x-client-name": request.client, **mix.clients[request.client]}
    if request.signed_in:
        headers["authorization"] = f"Bearer {token}"
    path = request.path.format(**values)
    began_s = time.monotonic()
    try:
        if request.query is None:
            response = await http.get(path, headers=headers)
        else:
            response = await http.post(path, headers=headers, json={"query": request.query})
        problem = _problem(request, response)
        if target := response.headers.get("x-strangler-target"):
            totals.targets[f"{path.split('/')[2].partition('?')[0]} {target}"] += 1
    except httpx.HTTPError as error:
        problem = type(error).__name__
    totals.latencies_ms.append((time.monotonic() - began_s) * 1000)
    totals.sent[request.name] += 1
    if problem:
        totals.failed[f"{request.name}: {problem}"] += 1


def _problem(request: Request, response: httpx.Response) -> str | None:
    if response.status_code >= 400:
        return str(response.status_code)
    if request.query is not None and (errors := response.json().get("errors")):
        return str(errors[0].get("extensions", {}).get("code", "error"))
    return None
