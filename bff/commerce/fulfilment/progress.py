"""Progress of orders in Redis: a stream of events to follow and the state after the last of them.

`order:{<id>}:events` is a stream whose entry ids are the event numbers (`7-0`), so that an event written twice is one;
`order:{<id>}` holds the state as JSON and the id of the workflow. The braces put both in one slot of a Cluster. Both
live for a week after the last event. This is a projection: the workflow is the source of truth, and what is lost is
written again from it (`ProgressReader.restore`).
"""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from bff.commerce.fulfilment.messages import Fulfilment, OrderEvent, OrderStep, OrderStepState, PublishProgress
from matapalo import BadUserInput, Overloaded, UpstreamUnavailable

RETENTION = timedelta(days=7)
MAX_EVENTS = 200
PAGE = 100
TIMEOUT_S = 0.5
#: How long one read waits for an event. Not a limit for the subscriber: the read is repeated.
BLOCK_S = 5.0
MAX_SUBSCRIBERS = 200

_POSITION = re.compile(r"[0-9]{1,15}(-[0-9]{1,15})?")


class RedisProgress:
    """The writing side: the `Progress` port of the worker."""

    def __init__(self, url: str) -> None:
        self._redis = _client(url, max_connections=32, wait_s=TIMEOUT_S, timeout_s=TIMEOUT_S)

    async def publish(self, progress: PublishProgress) -> None:
        """Append the events and replace the state. Raises `RedisError`."""
        order_id = progress.order.order_id
        async with self._redis.pipeline(transaction=True) as batch:
            for event in progress.events:
                batch.xadd(_events_key(order_id), _fields(event), id=event.id, maxlen=MAX_EVENTS, approximate=True)
            batch.hset(_state_key(order_id), mapping={"fulfilment": msgspec.json.encode(progress.fulfilment)})
            batch.hset(_state_key(order_id), mapping={"workflow_id": progress.workflow_id})
            batch.expire(_events_key(order_id), RETENTION)
            batch.expire(_state_key(order_id), RETENTION)
            for result in await batch.execute(raise_on_error=False):
                if isinstance(result, Exception) and not _is_repeated(result):
                    raise result

    async def aclose(self) -> None:
        await self._redis.aclose()


class ProgressReader:
    """The reading side, for resolvers. A subscriber holds a connection; ``max_subscribers`` bounds them."""

    def __init__(self, url: str, *, max_subscribers: int = MAX_SUBSCRIBERS) -> None:
        self._redis = _client(url, max_connections=16, wait_s=TIMEOUT_S, timeout_s=TIMEOUT_S)
        self._subscribers = _client(url, max_connections=max_subscribers, wait_s=0.05, timeout_s=2 * BLOCK_S)
        self._restore = self._redis.register_script(_RESTORE)

    async def events(self, order_id: str, *, after: str | None, closed: bool) -> AsyncIterator[OrderEvent]:
        """As `OrderWorkflows.events`. Also raises `BadUserInput` for a position that no event can have."""
        key, position = _events_key(order_id), _position(after)
        if await self._has_ended(key, position, closed=closed):
            return
        while True:
            for entry_id, fields in await self._next(key, position):
                position = entry_id
                event = _event(entry_id, fields)
                yield event
                if event.is_last:
                    return

    async def fulfilments(self, order_ids: Sequence[str]) -> list[Fulfilment | None]:
        with _unavailability():
            async with self._redis.pipeline(transaction=False) as batch:
                for order_id in order_ids:
                    batch.hget(_state_key(order_id), "fulfilment")
                return [None if state is None else _STATE.decode(state) for state in await batch.execute()]

    async def is_whole(self, order_id: str) -> bool:
        """Whether the stream begins with the first event, or Redis cannot say. Raises nothing."""
        try:
            first: Any = await self._redis.xrange(_events_key(order_id), count=1)
        except RedisError:
            return True
        return bool(first) and _order(first[0][0]) == (1, 0)

    async def restore(self, progress: PublishProgress) -> None:
        """Write what was lost: the events before the first one that is there, the state only where there is none.

        One atomic step, so that the worker may publish meanwhile. Raises nothing: it is tried again by the next reader.
        """
        order_id = progress.order.order_id
        arguments: list[Any] = [int(RETENTION.total_seconds()), progress.workflow_id]
        arguments.append(msgspec.json.encode(progress.fulfilment))
        for event in progress.events:
            fields = [part for pair in _fields(event).items() for part in pair]
            arguments += [event.number, *fields]
        with suppress(RedisError):
            await self._restore(keys=[_events_key(order_id), _state_key(order_id)], args=arguments)

    async def workflow_id(self, order_id: str) -> str | None:
        """The workflow that publishes this order's progress, None when it is not stored or Redis does not respond."""
        try:
            workflow_id: Any = await self._redis.hget(_state_key(order_id), "workflow_id")
        except RedisError:
            return None
        return None if workflow_id is None else str(workflow_id)

    async def aclose(self) -> None:
        await self._redis.aclose()
        await self._subscribers.aclose()

    async def _has_ended(self, key: str, position: str, *, closed: bool) -> bool:
        with _unavailability():
            newest: Any = await self._redis.xrevrange(key, count=1)
        if not newest:
            return closed
        entry_id, fields = newest[0]
        return _event(entry_id, fields).is_last and _order(entry_id) <= _order(position)

    async def _next(self, key: str, position: str) -> list[tuple[str, dict[str, str]]]:
        with _unavailability():
            streams: Any = await self._subscribers.xread({key: position}, count=PAGE, block=int(BLOCK_S * 1000))
        return streams[0][1] if streams else []


#: KEYS: stream, state. ARGV: seconds to live, workflow id, state, then for each event its number and its four fields.
_RESTORE = """
local events, state = KEYS[1], KEYS[2]
if redis.call('HEXISTS', state, 'fulfilment') == 0 then
  redis.call('HSET', state, 'workflow_id', ARGV[2], 'fulfilment', ARGV[3])
  redis.call('EXPIRE', state, ARGV[1])
end
local stored = redis.call('XRANGE', events, '-', '+')
local first = stored[1] and tonumber(string.match(stored[1][1], '^(%d+)')) or math.huge
if first == 1 then return 0 end
redis.call('DEL', events)
for i = 4, #ARGV, 9 do
  if tonumber(ARGV[i]) < first then
    redis.call('XADD', events, ARGV[i] .. '-0', unpack(ARGV, i + 1, i + 8))
  end
end
for _, entry in ipairs(stored) do redis.call('XADD', events, entry[1], unpack(entry[2])) end
redis.call('EXPIRE', events, ARGV[1])
return 1
"""

_STATE = msgspec.json.Decoder(Fulfilment)


def _client(url: str, *, max_connections: int, wait_s: float, timeout_s: float) -> Redis:
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=wait_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        protocol=2,
    )
    return Redis.from_pool(pool)  # which closes the pool, too, when it is closed


def _events_key(order_id: str) -> str:
    return f"order:{{{order_id}}}:events"


def _state_key(order_id: str) -> str:
    return f"order:{{{order_id}}}"


def _fields(event: OrderEvent) -> dict[Any, Any]:
    return {"step": event.step, "state": event.state, "at": event.at.isoformat(), "message": event.message}


def _event(entry_id: str, fields: dict[str, str]) -> OrderEvent:
    return OrderEvent(
        number=_order(entry_id)[0],
        step=OrderStep(fields["step"]),
        state=OrderStepState(fields["state"]),
        at=datetime.fromisoformat(fields["at"]),
        message=fields["message"],
    )


def _position(after: str | None) -> str:
    if after is None:
        return "0-0"
    if not _POSITION.fullmatch(after):
        raise BadUserInput("after: give the id of an event of this order", field="after", value=after[:40])
    return after


def _order(entry_id: str) -> tuple[int, int]:
    number, _, sequence = entry_id.partition("-")
    return int(number), int(sequence or 0)


def _is_repeated(error: Exception) -> bool:
    return isinstance(error, ResponseError) and "equal or smaller" in str(error)


@contextmanager
def _unavailability() -> Iterator[None]:
    try:
        yield
    except RedisConnectionError as error:
        if "No connection available" in str(error):
            raise Overloaded("too many orders are being followed here", retry_after_s=5.0) from error
        raise UpstreamUnavailable("the progress of orders cannot be read at the moment") from error
    except RedisError as error:
        raise UpstreamUnavailable("the progress of orders cannot be read at the moment") from error
