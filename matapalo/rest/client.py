"""REST calls of one operation, with its identity and within its deadline.

The timeout of a call is what is left of the deadline, less a margin in which the GraphQL response is still assembled;
calls of later levels share the rest. A ``get`` is retried once, after a short back-off, when nothing was reached (no
connection, 502, 503); a ``send`` never is. Equal reads in flight are one call (single-flight): within the operation
always, across operations only for anonymous ones, since a client that has just written must read its write.

Raises: `UpstreamTimeout`, `UpstreamUnavailable` (no connection, 5xx, a redirect, a body that is too large or does not
have the expected shape), `NotFound` (404 to a ``get``), `UpstreamRejected` (any other 4xx). Their messages name service
and path; bodies and addresses stay inside.
"""

import asyncio
from collections.abc import Coroutine, Hashable, Mapping, Sequence
from functools import cache
from math import isfinite
from typing import Any, Generic, Literal, Protocol, TypeVar, cast
from urllib.parse import urlencode
from zlib import crc32

import msgspec

from matapalo.errors import NotFound, Problem, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable
from matapalo.process.clock import Clock
from matapalo.rest.single_flight import SingleFlight
from matapalo.rest.transport import ConnectFailed, RestRequest, RestResponse, TimedOut, Transport, TransportFailure

T = TypeVar("T")
Params = Mapping[str, str | int | None]

DEADLINE_MARGIN_S = 0.1
#: For a call of an operation without a deadline (infinity): a subscription's.
SUBSCRIPTION_CALL_TIMEOUT_S = 2.0
BACK_OFF_S = 0.03
MAX_PAGE = 100
RETRIED_STATUSES = frozenset({502, 503})

Outcome = Literal["ok", "not_found", "rejected", "unavailable", "timeout", "cancelled"]

#: Headers that differ between operations and change no response.
_PER_OPERATION = frozenset({"x-request-id", "traceparent"})
_NO_PARAMS: Params = {}
_PROBLEM_MEMBERS = frozenset({"type", "title", "status", "detail"})


class Observe(Protocol):
    """Told about every HTTP call, also about each attempt of a retried one."""

    def __call__(self, *, service: str, method: str, outcome: Outcome, seconds: float) -> None: ...


class Listing(msgspec.Struct, Generic[T], frozen=True):
    """The list envelope of the REST contract. ``next_cursor`` is None on the last page."""

    items: list[T]
    next_cursor: str | None = None


class RestClient:
    """The REST calls of one operation (or of one attempt of an activity)."""

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        single_flight: SingleFlight,
        observe: Observe,
        *,
        headers: Mapping[str, str],
        deadline_s: float,
        max_batch_ids: int,
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._in_flight = single_flight
        self._observe = observe
        self._headers = headers
        self._deadline_s = deadline_s
        self._max_batch_ids = max_batch_ids
        self._scope = _sharing_scope(self, headers)

    def with_headers(self, headers: Mapping[str, str]) -> "RestClient":
        """A client like this one, with ``headers`` in the place of those of the same name."""
        return RestClient(
            self._transport,
            self._clock,
            self._in_flight,
            self._observe,
            headers={**self._headers, **headers},
            deadline_s=self._deadline_s,
            max_batch_ids=self._max_batch_ids,
        )

    async def get(self, path: str, params: Params = _NO_PARAMS, *, into: type[T]) -> T:
        """Read one resource or one page. ``path`` must be percent-encoded, ``params`` need not be."""
        query = urlencode({name: value for name, value in params.items() if value is not None}, safe=",")
        target = f"{path}?{query}" if query else path
        return await self._in_flight.join((self._scope, target, into), lambda: self._get_with_retry(path, target, into))

    async def get_many(
        self, path: str, ids: Sequence[str], *, into: type[T], by: str = "ids", params: Params = _NO_PARAMS
    ) -> list[T]:
        """The rows of ``path`` whose ``by`` is among ``ids``, in any order, unknown ones absent. All or nothing.

        Split into several calls above ``max_batch_ids``; above `MAX_PAGE` when ``by`` is a filter of a list with pages
        (``order_ids``) and not a batch.
        """
        size = self._max_batch_ids if by == "ids" else min(self._max_batch_ids, MAX_PAGE)
        envelope: type[Listing[T]] = Listing[into]  # type: ignore[valid-type]
        calls = [
            self.get(path, {by: ",".join(ids[start : start + size]), **params}, into=envelope)
            for start in range(0, len(ids), size)
        ]
        pages = [await calls[0]] if len(calls) == 1 else await _all_or_nothing(calls)
        return [row for page in pages for row in page.items]

    async def send(self, method: str, path: str, body: object, *, into: type[T], idempotency_key: str) -> T:
        """Write. After `UpstreamTimeout` it is unknown whether it was done: repeat with the same key."""
        headers = {**self._headers, "content-type": "application/json", "idempotency-key": idempotency_key}
        response = await self._call(method, path, path, headers, msgspec.json.encode(body))
        return _decoded(path, response, into)

    async def _get_with_retry(self, path: str, target: str, into: type[T]) -> T:
        try:
            response = await self._call("GET", path, target, self._headers)
        except UpstreamUnavailable as error:
            if not isinstance(error.__cause__, ConnectFailed) or not await self._back_off():
                raise
            response = await self._call("GET", path, target, self._headers)
        else:
            if response.status in RETRIED_STATUSES and await self._back_off():
                response = await self._call("GET", path, target, self._headers)
        if response.status == 404:
            raise NotFound(f"{service_of(path)} knows no {path}")
        return _decoded(path, response, into)

    async def _call(
        self, method: str, path: str, target: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> RestResponse:
        started_s = self._clock.monotonic_s()
        timeout_s = (
            self._deadline_s - started_s - DEADLINE_MARGIN_S
            if isfinite(self._deadline_s)
            else SUBSCRIPTION_CALL_TIMEOUT_S
        )
        outcome: Outcome = "cancelled"
        try:
            if timeout_s <= 0:
                outcome = "timeout"
                raise UpstreamTimeout(f"{service_of(path)}: no time left for {method} {path}")
            response = await self._transport.send(RestRequest(method, target, headers, timeout_s, body))
            outcome = _outcome(response.status)
            return response
        except TimedOut as error:
            outcome = "timeout"
            raise UpstreamTimeout(f"{service_of(path)} did not answer {method} {path} in time") from error
        except TransportFailure as error:
            outcome = "unavailable"
            raise UpstreamUnavailable(f"{service_of(path)} could not answer {method} {path}") from error
        finally:
            seconds = self._clock.monotonic_s() - started_s
            self._observe(service=service_of(path), method=method, outcome=outcome, seconds=seconds)

    async def _back_off(self) -> bool:
        """Wait a little before the retry; False at once when the deadline leaves no time for one."""
        # Jitter by the request id: operations that failed by one restart do not come back all at once.
        jitter = crc32(self._headers.get("x-request-id", "").encode()) / 2**32
        delay_s = BACK_OFF_S * (0.5 + jitter)
        if self._clock.monotonic_s() + delay_s + DEADLINE_MARGIN_S >= self._deadline_s:
            return False
        await asyncio.sleep(delay_s)
        return True


def service_of(path: str) -> str:
    """The service behind ``/api/<service>/…``."""
    return path.split("/", 3)[2]


def _sharing_scope(rest: RestClient, headers: Mapping[str, str]) -> Hashable:
    """Reads of one scope may share a call: those of one operation, or all anonymous ones that are routed alike."""
    if "x-user-id" in headers or "x-role" in headers:
        return rest
    return tuple(sorted((name, value) for name, value in headers.items() if name not in _PER_OPERATION))


async def _all_or_nothing(calls: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all, or the first failure with the others cancelled."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _outcome(status: int) -> Outcome:
    if status == 404:
        return "not_found"
    if status == 504:
        return "timeout"
    if status // 100 == 2:
        return "ok"
    return "rejected" if status // 100 == 4 else "unavailable"


def _decoded(path: str, response: RestResponse, into: type[T]) -> T:
    service = service_of(path)
    match _outcome(response.status):
        case "ok":
            try:
                return cast(T, _decoder(cast(Hashable, into)).decode(response.body))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise UpstreamUnavailable(f"{service} answered something unreadable to {path}") from error
        case "rejected" | "not_found":
            problem = _problem_of(response)
            raise UpstreamRejected(f"{service} rejected {path}: {problem.title}", problem=problem)
        case "timeout":
            raise UpstreamTimeout(f"{service} did not answer {path} in time")
        case _:
            raise UpstreamUnavailable(f"{service} answered {response.status} to {path}")


@cache
def _decoder(into: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(cast(Any, into))


def _problem_of(response: RestResponse) -> Problem:
    """What ``response`` says is wrong (RFC 9457), whatever it is; slug ``unknown`` when it is no problem document."""
    members = _problem_members(response)
    slug = _text(members, "type").rstrip("/").rpartition("/")[2]
    return Problem(
        status=response.status,
        slug=slug or "unknown",
        title=_text(members, "title") or f"HTTP {response.status}",
        detail=_text(members, "detail"),
        members={name: value for name, value in members.items() if name not in _PROBLEM_MEMBERS},
    )


def _problem_members(response: RestResponse) -> dict[str, Any]:
    if not response.content_type.startswith("application/problem+json"):
        return {}
    try:
        decoded = msgspec.json.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""
