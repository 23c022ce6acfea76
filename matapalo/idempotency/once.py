"""Runs a mutation at most once for each key, and gives everybody else its answer. One `Idempotency` per process.

Whoever begins owns the key and runs the resolver, in a task of its own: neither the client's leaving nor the deadline
of its operation cancels it, so its answer is kept for the repeat. Requests under the same key wait for it, for up to
`WAIT`, then get `IdempotencyInProgress`. An owner that dies leaves a lease behind; the first request after its end
takes over, if the mutation's effect has a truth of its own, and the answer is found there.

Redis away: what has a truth of its own runs without a record (``degraded``), the rest is refused. Redis lost while the
owner runs: the client gets its answer; the record, if it comes back, is taken over like that of a dead owner.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from matapalo.errors import (
    IdempotencyInProgress,
    IdempotencyKeyReused,
    IdempotencyOutcomeUnknown,
    IdempotencyStoreUnavailable,
)
from matapalo.idempotency.claim import Claim
from matapalo.idempotency.key import record_id
from matapalo.idempotency.outcome import is_clean
from matapalo.idempotency.records import Records, StoreUnavailable
from matapalo.idempotency.replay import Unreadable
from matapalo.idempotency.sealed import MAX_BYTES, Sealer
from matapalo.idempotency.state import Begin
from matapalo.idempotency.waiting import Waiting

T = TypeVar("T")

KEPT_FOR = timedelta(hours=24)
LEASE = timedelta(seconds=15)
WAIT = timedelta(seconds=2)
#: When to ask again after waiting in vain: an owner that lives is done soon, a dead one frees the key within a lease.
RETRY_AFTER_S = 1.0
#: How long a stopping process waits for mutations whose clients may have left.
GRACE_S = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """A mutation to run once.

    ``run`` does it. ``pack`` makes bytes of its outcome, None of one that is not final; ``unpack`` makes the outcome
    again, or raises `Unreadable`. ``has_truth``: running it again finds what an earlier attempt did.
    """

    run: Callable[[], Awaitable[Any]]
    pack: Callable[[Any], bytes | None]
    unpack: Callable[[bytes], Awaitable[Any]]
    has_truth: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome and where it is from. ``first_at`` and ``expires_at`` are None without a record (``degraded``)."""

    outcome: Any
    replayed: bool
    attempt: int = 1
    first_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def degraded(self) -> bool:
        """Whether Redis could not be asked."""
        return self.first_at is None


Observe = Callable[[str, str], None]
"""Told what became of each attempt: the field, and a word such as ``begun``, ``replayed`` or ``in_progress``."""


class Idempotency:
    """``client`` keeps the keys of the two schemas apart; the first of ``secrets`` makes ids, all recognise them."""

    def __init__(
        self,
        records: Records,
        *,
        client: str,
        secrets: Sequence[str],
        lease: timedelta = LEASE,
        wait: timedelta = WAIT,
        observe: Observe = lambda _field, _outcome: None,
    ) -> None:
        self._records = records
        self._client = client
        self._secrets = secrets
        self._sealer = Sealer(secrets)
        self._heartbeat_s = lease.total_seconds() / 3
        self._wait_s = wait.total_seconds()
        self._observe = observe
        self._waiting = Waiting(records.is_held)
        self._running: set[asyncio.Task[Any]] = set()

    def claim(self, *, field: str, subject: str, key: str, fingerprint: str) -> Claim:
        """The claim of one attempt."""
        current, *older = (
            record_id(secret, client=self._client, subject=subject, field=field, key=key) for secret in self._secrets
        )
        return Claim(field, current, tuple(older), fingerprint, attempt_id=uuid4().hex)

    async def once(self, claim: Claim, call: Call, *, patience_s: float = math.inf) -> Answer:
        """The answer to ``call``, whoever ran it.

        Raises what ``run`` raises, and `IdempotencyKeyReused`, `IdempotencyInProgress` (after at most ``patience_s``),
        `IdempotencyOutcomeUnknown`, `IdempotencyStoreUnavailable`.
        """
        until_s = asyncio.get_running_loop().time() + min(self._wait_s, patience_s)
        while True:
            answer = await self._to_the_end(self._attempt(claim, call))
            if answer is not None:
                return answer
            if not await self._waiting.until_free(claim.record_id, until_s):
                self._observe(claim.field, "in_progress")
                raise IdempotencyInProgress(
                    "a request under this Idempotency-Key is being answered: send the same request again",
                    retry_after_s=RETRY_AFTER_S,
                )

    async def aclose(self) -> None:
        """Let what runs come to its end, within reason, then close the store."""
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE_S)
        await self._records.aclose()

    async def _attempt(self, claim: Claim, call: Call) -> Answer | None:
        """The answer; None while somebody else is at it."""
        try:
            begun = await self._begin(claim, call)
        except StoreUnavailable as error:
            return await self._without_record(claim, call, error)
        match begun.kind:
            case "begun" | "resumed":
                self._observe(claim.field, begun.kind)
                return await self._own(claim, call, begun)
            case "busy":
                return None
            case "done":
                return await self._replay(claim, call, begun)
            case "conflict":
                self._observe(claim.field, "conflict")
                raise IdempotencyKeyReused("this Idempotency-Key was used with other arguments: take a new one")
            case _:
                return await self._ask_the_truth(claim, call, begun)

    async def _begin(self, claim: Claim, call: Call) -> Begin:
        for older in claim.older_record_ids:
            if await self._records.exists(older):
                claim.record_id, claim.older_record_ids = older, ()
                break
        return await self._records.begin(claim.record_id, fingerprint=claim.fingerprint, resumes=call.has_truth)

    async def _own(self, claim: Claim, call: Call, begun: Begin) -> Answer | None:
        beating = _Heartbeat(self._records, claim.record_id, begun.fence, self._heartbeat_s)
        try:
            outcome = await self._run(claim, call, begun)
            is_kept = await self._keep(claim, begun, _packed(claim, call, outcome))
        finally:
            beating.stop()
            self._waiting.notify(claim.record_id)
        if not is_kept and call.has_truth:
            return await self._attempt(claim, call)  # it outlived its lease: theirs who took over is the answer
        return _answer(outcome, begun, replayed=claim.answered_before)

    async def _run(self, claim: Claim, call: Call, begun: Begin) -> Any:
        try:
            return await call.run()
        except BaseException as failure:
            await self._settle(claim, begun, self._records.release if is_clean(failure) else self._records.suspend)
            raise

    async def _keep(self, claim: Claim, begun: Begin, packed: bytes | None) -> bool:
        """Complete the record, or leave it to the next request; False when it is not ours any more."""
        if packed is None:
            return await self._settle(claim, begun, self._records.suspend)
        sealed = self._sealer.seal(claim.record_id, packed)
        if len(sealed) > MAX_BYTES:
            sealed = b""
        try:
            return await self._records.complete(claim.record_id, begun.fence, sealed)
        except StoreUnavailable as error:
            _log.warning("the answer of %s is not kept: %s", claim.field, error)
            return True

    async def _settle(self, claim: Claim, begun: Begin, step: Callable[[str, int], Awaitable[bool]]) -> bool:
        try:
            return await step(claim.record_id, begun.fence)
        except StoreUnavailable as error:
            _log.warning("the key of %s stays taken until its lease is over: %s", claim.field, error)
            return True

    async def _replay(self, claim: Claim, call: Call, begun: Begin) -> Answer:
        try:
            outcome = await call.unpack(self._sealer.open(claim.record_id, begun.result))
        except Unreadable as error:
            if begun.result:  # else it was too large to keep, on purpose
                _log.warning("the kept answer of %s cannot be read: %s", claim.field, error)
            return await self._ask_the_truth(claim, call, begun)
        self._observe(claim.field, "replayed")
        return _answer(outcome, begun, replayed=True)

    async def _ask_the_truth(self, claim: Claim, call: Call, begun: Begin) -> Answer:
        """The record has no answer and never will: run what finds its own, refuse the rest."""
        if not call.has_truth:
            self._observe(claim.field, "unknown")
            raise IdempotencyOutcomeUnknown(
                "an earlier request under this Idempotency-Key was interrupted, or its answer is lost: "
                "find out what became of it before you try again with a new key",
                reference=claim.record_id[:16],
            )
        self._observe(claim.field, "asked_the_truth")
        return _answer(await call.run(), begun, replayed=True)

    async def _without_record(self, claim: Claim, call: Call, error: StoreUnavailable) -> Answer:
        if not call.has_truth:
            self._observe(claim.field, "store_unavailable")
            raise IdempotencyStoreUnavailable(
                "whether this Idempotency-Key was used cannot be found out at the moment", retry_after_s=RETRY_AFTER_S
            ) from error
        self._observe(claim.field, "degraded")
        _log.warning("%s runs without a record: %s", claim.field, error)
        return Answer(await call.run(), replayed=claim.answered_before)

    async def _to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Await ``work``, which goes on when this task is cancelled."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # somebody gave up waiting for it: asyncio need not report it


class _Heartbeat:
    """Renews a lease until stopped. Costs nothing but a timer for what is done within a third of it."""

    def __init__(self, records: Records, record: str, fence: int, every_s: float) -> None:
        self._records = records
        self._record = record
        self._fence = fence
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(every_s, self._start)

    def stop(self) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            try:
                if not await self._records.heartbeat(self._record, self._fence):
                    return
            except StoreUnavailable as error:
                _log.warning("a lease is not renewed: %s", error)
            await asyncio.sleep(self._every_s)


def _packed(claim: Claim, call: Call, outcome: Any) -> bytes | None:
    try:
        return call.pack(outcome)
    except Exception:  # a bug, but the mutation has happened and its client is owed the answer
        _log.exception("the answer of %s cannot be kept", claim.field)
        return None


def _answer(outcome: Any, begun: Begin, *, replayed: bool) -> Answer:
    return Answer(outcome, replayed, begun.attempt or 1, _moment(begun.first_at_us), _moment(begun.expires_at_us))


def _moment(at_us: int) -> datetime | None:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC) if at_us else None
