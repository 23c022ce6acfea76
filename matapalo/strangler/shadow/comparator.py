"""The comparator: queues mirrored requests, and sends them to both sides itself, later and out of the way.

    Envoy ──a copy of a GET──▶ take() ──bounded queue──▶ legacy, new, legacy again ──▶ findings

The services are called directly, not through Envoy: their responses count for no gate and no decommission report. When
the queue is full a copy is dropped and counted; nothing ever waits for the comparator. Only identity and negotiation
headers go along, never credentials. Nothing that goes wrong with one request ends a worker.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import NamedTuple, TypeAlias
from urllib.parse import parse_qsl, quote

import httpx
import msgspec

from matapalo.process.clock import Clock
from matapalo.strangler.errors import GatewayError, RedisUnavailable
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Route, covers
from matapalo.strangler.settings import Upstream
from matapalo.strangler.shadow.difference import SideResponse
from matapalo.strangler.shadow.findings import Comparison, Findings, Sample
from matapalo.strangler.shadow.redaction import redacted
from matapalo.strangler.store.routes import RouteStore

logger = logging.getLogger(__name__)

QUEUE = 200
WORKERS = 4
TIMEOUT_S = 5.0
TABLE_CACHED_S = 2.0
LARGEST_BODY = 1_000_000
FORWARDED_HEADERS = ("x-user-id", "x-role", "x-tier", "x-cohort", "x-canary", "accept", "accept-language")
USER_AGENT = {"user-agent": "matapalo-compare"}


class Mirrored(NamedTuple):
    """A copy of a request. ``target`` is its path with its query, as it came."""

    target: str
    headers: Mapping[str, str]


CountOutcome: TypeAlias = Callable[[str], None]
"""Called with the outcome of each request: queued, dropped, unrouted, compared, failed (a side did) or error."""


class Comparator:
    def __init__(
        self,
        *,
        store: RouteStore,
        findings: Findings,
        http: httpx.AsyncClient,
        upstreams: Mapping[str, Upstream],
        keep: Mapping[str, Collection[str]],
        clock: Clock,
        count: CountOutcome = lambda outcome: None,
        queue: int = QUEUE,
    ) -> None:
        self._findings = findings
        self._http = http
        self._upstreams = upstreams
        self._keep = keep
        self._clock = clock
        self._count = count
        self._queue: asyncio.Queue[Mirrored] = asyncio.Queue(queue)
        self._dropped: Counter[str] = Counter()
        self._table = _Table(store, clock)

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    def take(self, request: Mirrored) -> bool:
        """Queue it, or drop it when the queue is full, without waiting; whether it was queued."""
        try:
            self._queue.put_nowait(request)
        except asyncio.QueueFull:
            self._count("dropped")
            if (route := self._table.cached_route(request.target)) is not None:
                self._dropped[route.name] += 1  # written down by the next worker that has time
            return False
        self._count("queued")
        return True

    async def work(self, workers: int = WORKERS) -> None:
        tasks = [asyncio.create_task(self._work()) for _ in range(workers)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    async def _work(self) -> None:
        while True:
            request = await self._queue.get()
            try:
                self._count(await self.compare(request))
            except RedisUnavailable as error:
                self._count("error")
                logger.debug("a comparison is lost: %s", error)
            except Exception:  # one broken pair must not end the comparing of all others
                self._count("error")
                logger.exception("a comparison failed")

    async def compare(self, request: Mirrored) -> str:
        """Call both sides and write down the differences; the outcome. Raises RedisUnavailable."""
        dropped, self._dropped = self._dropped, Counter()
        for name, count in dropped.items():
            await self._findings.add(name, {"dropped": count})
        route = await self._table.route_of(request.target)
        if route is None or route.retired:
            return "unrouted"
        responses = await self._call_sides(route, request)
        if responses is None:
            await self._findings.add(route.name, {"failed": 1})
            return "failed"
        legacy, new, _again = responses
        comparison = Comparison.of(*responses)
        ignored = {entry.path for entry in await self._findings.ignored(route.name)}
        await self._findings.add(route.name, comparison.counts(ignored=ignored))
        if paths := [path for path in comparison.sample_paths() if path not in ignored]:
            keep = self._keep.get(route.name, ())
            sample = Sample(
                at=self._clock.now(),
                request=f"GET {without_values(request.target)}",
                legacy=redacted(legacy, keep=keep),
                new=redacted(new, keep=keep),
            )
            await self._findings.add_sample(route.name, paths, sample)
        return "compared"

    async def _call_sides(self, route: Route, request: Mirrored) -> tuple[SideResponse, ...] | None:
        """Legacy, new and legacy again, one after the other; None when one of them failed."""
        responses = []
        for name in (route.legacy, route.new, route.legacy):
            response = await self._call(self._upstreams[name], request)
            if response is None or not response.is_usable:
                return None
            responses.append(response)
        return tuple(responses)

    async def _call(self, upstream: Upstream, request: Mirrored) -> SideResponse | None:
        host = f"[{upstream.host}]" if ":" in upstream.host else upstream.host
        passed = {name: value for name, value in request.headers.items() if name in FORWARDED_HEADERS}
        try:
            response = await self._http.get(
                f"http://{host}:{upstream.port}{request.target}", headers={**passed, **USER_AGENT}, timeout=TIMEOUT_S
            )
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
        if len(response.content) > LARGEST_BODY:
            return None
        try:
            return SideResponse(response.status_code, msgspec.json.decode(response.content))
        except msgspec.DecodeError:
            return SideResponse(response.status_code, response.content)


class _Table:
    def __init__(self, store: RouteStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._document: RoutesDocument | None = None
        self._until_s = float("-inf")

    async def route_of(self, target: str) -> Route | None:
        if self._clock.monotonic_s() >= self._until_s:
            try:
                self._document = await self._store.read() or self._document
            except GatewayError:
                if self._document is None:
                    raise
            self._until_s = self._clock.monotonic_s() + TABLE_CACHED_S
        return self.cached_route(target)

    def cached_route(self, target: str) -> Route | None:
        """By the cached table, without a request."""
        routes = self._document.routes if self._document else ()
        return next((route for route in routes if covers(route.prefix, target)), None)


def without_values(target: str) -> str:
    """A path with the names of its query, whose values may be a customer's e-mail address."""
    path, separator, query = target.partition("?")
    names = [quote(name) for name, _ in parse_qsl(query, keep_blank_values=True)]
    return path + separator + "&".join(f"{name}=…" for name in names)
