"""Runs a mutation at most once for each key, and gives every other request its result. One `Idempotency` per process.

The request that begins owns the key and runs the resolver, in a task of its own: neither the client's leaving nor the
deadline of its operation cancels it, so its result is stored for the repeat. Requests under the same key wait for it,
for up to `WAIT`, then get `IdempotencyInProgress`. An owner that dies leaves a lease behind; the first request after
its end takes over, if the mutation is safe to rerun because the effect has a source of truth of its own.

Redis away: what is safe to rerun runs without a record (``degraded``), the rest is refused. Redis lost while the owner
runs: the client gets its result; the record, if it comes back, is taken over like that of a dead owner.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from matapalo.errors import (
    Forbidden,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    IdempotencyOutcomeUnknown,
    IdempotencyStoreUnavailable,
    NotFound,
    Overloaded,
    RequestError,
    UpstreamRejected,
)
from matapalo.idempotency.cipher import MAX_BYTES, ResultCipher
from matapalo.idempotency.claim import Claim, record_id
from matapalo.idempotency.records import Begin, Records, StoreUnavailable
from matapalo.idempotency.replay import Unreadable

T = TypeVar("T")

RETENTION = timedelta(hours=24)
LEASE = timedelta(seconds=15)
WAIT = timedelta(seconds=2)
MAX_WAITING = 512
#: When to try again after waiting in vain: an owner that lives is done soon, a dead one frees the key within a lease.
RETRY_AFTER_S = 1.0
#: How long a stopping process waits for mutations whose clients may have left.
GRACE_S = 10.0

_FIRST_POLL_S = 0.02
_SLOWEST_POLL_S = 0.2
#: Failures of a resolver after which it is certain that nothing happened: the key is free again, and the client may
#: correct its input. All others are ambiguous (a timeout, a 5xx, a bug, a cancelled task): there may be an effect.
_WITHOUT_EFFECT = (RequestError, Forbidden, NotFound, Overloaded, IdempotencyKeyReused, UpstreamRejected)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome and where it is from. ``first_at`` and ``expires_at`` are None without a record (``degraded``)."""

    outcome: Any
    replayed: bool = False
    attempt: int = 1
    first_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def degraded(self) -> bool:
        """Whether it ran without a record, because Redis was away."""
        return self.first_at is None

    def recorded(self, begun: Begin) -> "Result":
        """With the times of the record of its key."""
        first_at, expires_at = (
            datetime.fromtimestamp(at_us / 1_000_000, UTC) if at_us else None
            for at_us in (begun.first_at_us, begun.expires_at_us)
        )
        return replace(self, attempt=begun.attempt or 1, first_at=first_at, expires_at=expires_at)


@dataclass(frozen=True, slots=True)
class Mutation:
    """A mutation to run at most once.

    ``run`` does it under a claim, and says whether the outcome is that of an earlier attempt. ``pack`` makes bytes of
    an outcome, None of one that is not final; ``unpack`` makes the outcome again, or raises `Unreadable`.
    ``is_safe_to_rerun``: a source of truth outside Redis knows what an earlier attempt did, so that running it again
    finds that.
    """

    run: Callable[[Claim], Awaitable[Result]]
    pack: Callable[[Any], bytes | None]
    unpack: Callable[[bytes], Awaitable[Any]]
    is_safe_to_rerun: bool


Observe = Callable[[str, str], None]
"""Called with what became of each attempt: the field, and a word such as ``begun``, ``replayed`` or ``in_progress``."""


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
        self._cipher = ResultCipher(secrets)
        self._heartbeat_s = lease.total_seconds() / 3
        self._wait_s = wait.total_seconds()
        self._observe = observe
        self._held_keys = HeldKeys(records.is_held)
        self._running: set[asyncio.Task[Any]] = set()

    def claim(self, *, field: str, subject: str, key: str, fingerprint: str) -> Claim:
        """The claim of a new attempt."""
        current, *older = (
            record_id(secret, client=self._client, subject=subject, field=field, key=key) for secret in self._secrets
        )
        return Claim(field, current, fingerprint, attempt_id=uuid4().hex, older_record_ids=tuple(older))

    async def run_idempotent(self, claim: Claim, mutation: Mutation, *, timeout_s: float = math.inf) -> Result:
        """The result of ``mutation``, whichever request ran it.

        Raises what ``run`` raises, and `IdempotencyKeyReused`, `IdempotencyInProgress` (after at most ``timeout_s``),
        `IdempotencyOutcomeUnknown`, `IdempotencyStoreUnavailable`.
        """
        until_s = asyncio.get_running_loop().time() + min(self._wait_s, timeout_s)
        while True:
            result = await self._shielded(self._attempt(claim, mutation))
            if isinstance(result, Result):
                return result
            if not await self._held_keys.wait_until_free(result.record_id, until_s):
                self._observe(claim.field, "in_progress")
                raise IdempotencyInProgress(
                    "a request under this Idempotency-Key is in progress: send the same request again",
                    retry_after_s=RETRY_AFTER_S,
                )

    async def aclose(self) -> None:
        """Let what runs come to its end, for up to `GRACE_S`, then close the store."""
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE_S)
        await self._records.aclose()

    async def _attempt(self, claim: Claim, mutation: Mutation) -> Result | Claim:
        """The result; the claim, under the id of its record, while another request holds the key."""
        try:
            claim = await claim.located(self._records.exists)
            begun = await self._records.begin(
                claim.record_id, fingerprint=claim.fingerprint, resumes=mutation.is_safe_to_rerun
            )
        except StoreUnavailable as error:
            return await self._run_without_record(claim, mutation, error)
        match begun.kind:
            case "begun" | "resumed":
                self._observe(claim.field, begun.kind)
                return await self._run_as_owner(claim, mutation, begun)
            case "busy":
                return claim
            case "done":
                return await self._replay(claim, mutation, begun)
            case "conflict":
                self._observe(claim.field, "conflict")
                raise IdempotencyKeyReused("this Idempotency-Key was used with other arguments: take a new one")
            case "unknown" | "foreign":
                return await self._rerun(claim, mutation, begun)

    async def _run_as_owner(self, claim: Claim, mutation: Mutation, begun: Begin) -> Result | Claim:
        heartbeat = _Heartbeat(self._records, claim.record_id, begun.fence, self._heartbeat_s)
        try:
            result = await self._run(claim, mutation, begun)
            is_owner = await self._store(claim, begun, _packed(claim, mutation, result.outcome))
        finally:
            heartbeat.stop()
            self._held_keys.notify(claim.record_id)
        if not is_owner and mutation.is_safe_to_rerun:
            return await self._attempt(claim, mutation)  # it outlived its lease: its successor's result counts
        return result.recorded(begun)

    async def _run(self, claim: Claim, mutation: Mutation, begun: Begin) -> Result:
        try:
            return await mutation.run(claim)
        except _WITHOUT_EFFECT:
            await self._settle(claim, begun, self._records.release)
            raise
        except BaseException:
            await self._settle(claim, begun, self._records.suspend)
            raise

    async def _store(self, claim: Claim, begun: Begin, packed: bytes | None) -> bool:
        """Complete the record, or leave it to the next request; False when this process owns it no more."""
        if packed is None:
            return await self._settle(claim, begun, self._records.suspend)
        encrypted = self._cipher.encrypt(claim.record_id, packed)
        if len(encrypted) > MAX_BYTES:
            encrypted = b""
        try:
            return await self._records.complete(claim.record_id, begun.fence, encrypted)
        except StoreUnavailable as error:
            _log.warning("the result of %s is not stored: %s", claim.field, error)
            return True

    async def _settle(self, claim: Claim, begun: Begin, step: Callable[[str, int], Awaitable[bool]]) -> bool:
        try:
            return await step(claim.record_id, begun.fence)
        except StoreUnavailable as error:
            _log.warning("the key of %s stays taken until its lease is over: %s", claim.field, error)
            return True

    async def _replay(self, claim: Claim, mutation: Mutation, begun: Begin) -> Result:
        try:
            outcome = await mutation.unpack(self._cipher.decrypt(claim.record_id, begun.result))
        except Unreadable as error:
            if begun.result:  # else it was too large to store, on purpose
                _log.warning("the stored result of %s cannot be read: %s", claim.field, error)
            return await self._rerun(claim, mutation, begun)
        self._observe(claim.field, "replayed")
        return Result(outcome, replayed=True).recorded(begun)

    async def _rerun(self, claim: Claim, mutation: Mutation, begun: Begin) -> Result:
        """The record has no result and never will: rerun what finds its own, refuse the rest."""
        if not mutation.is_safe_to_rerun:
            self._observe(claim.field, "unknown")
            raise IdempotencyOutcomeUnknown(
                "an earlier request under this Idempotency-Key was interrupted, or its result is lost: "
                "find out what became of it before you try again with a new key",
                reference=claim.record_id[:16],
            )
        self._observe(claim.field, "reran")
        return replace(await mutation.run(claim), replayed=True).recorded(begun)

    async def _run_without_record(self, claim: Claim, mutation: Mutation, error: StoreUnavailable) -> Result:
        if not mutation.is_safe_to_rerun:
            self._observe(claim.field, "store_unavailable")
            raise IdempotencyStoreUnavailable(
                "whether this Idempotency-Key was used cannot be found out at the moment",
                retry_after_s=RETRY_AFTER_S,
            ) from error
        self._observe(claim.field, "degraded")
        _log.warning("%s runs without a record: %s", claim.field, error)
        return await mutation.run(claim)

    async def _shielded(self, work: Coroutine[Any, Any, T]) -> T:
        """Await ``work``, which goes on when this task is cancelled."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._on_done)
        return await asyncio.shield(task)

    def _on_done(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # its client may have left: asyncio need not report an exception that is never fetched


class HeldKeys:
    """Waits for keys that other requests hold: one poll a key and process, however many wait.

    An owner in this process says when it is done (`notify`), one elsewhere is noticed by polling ``is_held``.
    ``max_waiting`` bounds how many wait; a request over it does not.
    """

    def __init__(self, is_held: Callable[[str], Awaitable[bool]], *, max_waiting: int = MAX_WAITING) -> None:
        self._is_held = is_held
        self._max_waiting = max_waiting
        self._by_record_id: dict[str, _HeldKey] = {}
        self._waiting = 0

    async def wait_until_free(self, record_id: str, until_s: float) -> bool:
        """Whether it makes sense to begin again; False when ``until_s`` (the loop's time) comes, or too many wait."""
        loop = asyncio.get_running_loop()
        if self._waiting >= self._max_waiting or until_s <= loop.time():
            return False
        key = self._by_record_id.get(record_id)
        if key is None:
            key = self._by_record_id[record_id] = _HeldKey()
            key.task = loop.create_task(self._poll(record_id, key))
        self._waiting += 1
        key.waiters += 1
        try:
            async with asyncio.timeout_at(until_s):
                await key.free.wait()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
            key.waiters -= 1
            if key.waiters == 0:
                self._forget(record_id, key)
        return True

    def notify(self, record_id: str) -> None:
        """The owner of the key, in this process, is done with it."""
        key = self._by_record_id.get(record_id)
        if key is not None:
            key.hurry.set()

    async def _poll(self, record_id: str, key: "_HeldKey") -> None:
        pause_s = _FIRST_POLL_S
        with suppress(StoreUnavailable):  # each waiter meets it again by itself
            while await self._is_held(record_id):
                try:
                    async with asyncio.timeout(pause_s):
                        await key.hurry.wait()
                    key.hurry.clear()
                    pause_s = _FIRST_POLL_S
                except TimeoutError:
                    pause_s = min(pause_s * 1.5, _SLOWEST_POLL_S)
        self._forget(record_id, key)
        key.free.set()

    def _forget(self, record_id: str, key: "_HeldKey") -> None:
        if self._by_record_id.get(record_id) is key:
            del self._by_record_id[record_id]
        if key.waiters == 0 and key.task is not None and not key.free.is_set():
            key.task.cancel()


class _HeldKey:
    __slots__ = ("free", "hurry", "task", "waiters")

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.hurry = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.waiters = 0


class _Heartbeat:
    """Renews a lease until stopped. Costs nothing but a timer for what is done within a third of it."""

    def __init__(self, records: Records, record_id: str, fence: int, every_s: float) -> None:
        self._records = records
        self._record_id = record_id
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
                if not await self._records.heartbeat(self._record_id, self._fence):
                    return
            except StoreUnavailable as error:
                _log.warning("a lease is not renewed: %s", error)
            await asyncio.sleep(self._every_s)


def _packed(claim: Claim, mutation: Mutation, outcome: Any) -> bytes | None:
    try:
        return mutation.pack(outcome)
    except Exception:  # a bug, but the mutation has happened and its client is owed the result
        _log.exception("the result of %s cannot be stored", claim.field)
        return None
