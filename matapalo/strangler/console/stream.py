"""The stream that keeps one open page current (Server-Sent Events), one a tab.

    event: tick      {cells: what changed, revisions, problems}      every second
    event: series    {columns, marks} for the charts, whole           on a route's page, whenever they are others

Columns: time (s since the epoch), then p50, p95, p99 of legacy and of new (ms), error share of legacy and of new (%).
The page counts itself stale when no tick came for a while. The session is verified with every tick: a stream does not
outlive its operator's token.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from starlette.responses import StreamingResponse

from matapalo.strangler.caller import TokenVerifier
from matapalo.strangler.console import formatting
from matapalo.strangler.console.content import Page, PageKind, read_content
from matapalo.strangler.console.live_values import LiveValues
from matapalo.strangler.console.presenters import Point
from matapalo.strangler.console.session import verified
from matapalo.strangler.console.snapshot import Reader
from matapalo.strangler.errors import Forbidden, GatewayError, Unauthenticated
from matapalo.strangler.metrics.traffic import SideRates
from matapalo.strangler.routing.change import Change

EVERY_S = 1.0
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def stream(
    page: Page, token: str, *, reader: Reader, verifier: TokenVerifier, every_s: float = EVERY_S
) -> StreamingResponse:
    """The response that goes on until the browser, the token or the process ends."""

    async def events() -> AsyncIterator[bytes]:
        before, drawn = LiveValues(), b""
        while await _is_signed_in(token, verifier):
            try:
                tick, before = await _tick(page, reader, before)
                series = await _series(page, reader)
            except GatewayError as error:
                tick, series = {"problems": [str(error)]}, drawn
            yield _event("tick", msgspec.json.encode(tick))
            if series != drawn:
                yield _event("series", series)
                drawn = series
            await asyncio.sleep(every_s)

    return StreamingResponse(events(), media_type="text/event-stream", headers=HEADERS)


async def _tick(page: Page, reader: Reader, before: LiveValues) -> tuple[dict[str, Any], LiveValues]:
    content = await read_content(page, reader)
    tick = {
        "cells": content.live.since(before),
        "revisions": content.revisions,
        "problems": content.regions["problems"],
    }
    return tick, content.live


async def _series(page: Page, reader: Reader) -> bytes:
    if page.kind is not PageKind.ROUTE:
        return b""
    points = (await reader.series(page.route, page.minutes)).or_else(())
    history = (await reader.details(page.route)).history.or_else(())
    return msgspec.json.encode({"columns": columns(points), "marks": marks(history)})


def columns(points: Sequence[Point]) -> list[list[float | None]]:
    """Points as the charts want them, from the first request on: one list a column."""
    is_used = (index for index, point in enumerate(points) if point.legacy.per_second or point.new.per_second)
    rows = [
        (round(point.at.timestamp(), 1), *_latencies(point.legacy), *_latencies(point.new),
         _percent(point.legacy), _percent(point.new))
        for point in points[next(is_used, len(points)):]
    ]  # fmt: skip
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(9)]


def marks(newest_first: Sequence[Change]) -> list[tuple[float, str]]:
    """When the share became another, and what it came to: vertical lines in the charts."""
    return [
        (round(change.at.timestamp(), 1), formatting.share(change.after.share_bp))
        for change in reversed(newest_first)
        if change.before.share_bp != change.after.share_bp
    ]


def _latencies(rates: SideRates) -> tuple[float | None, ...]:
    # A logarithmic axis knows no zero; Envoy counts whole milliseconds, so 0 means "less than one".
    return tuple(None if ms is None else max(ms, 0.5) for ms in (rates.p50_ms, rates.p95_ms, rates.p99_ms))


def _percent(rates: SideRates) -> float | None:
    return None if rates.error_share is None else round(rates.error_share * 100, 3)


async def _is_signed_in(token: str, verifier: TokenVerifier) -> bool:
    try:
        await verified(token, verifier)
    except (Unauthenticated, Forbidden):
        return False
    return True


def _event(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
