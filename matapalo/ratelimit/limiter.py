"""The limiter: decides for a subject whether an operation may run, and takes back what it did not use.

    decision = await limiter.reserve("user:cust_0001", viewer.tier, cost=42, kind="query")
    if decision.reservation is not None:                            # allowed
        try:    ...                                                 # execute
        finally: limiter.settle(decision.reservation, actual_cost)  # never waits, never raises

A subscription keeps its permit among the concurrent operations for as long as it is open:

        limiter.settle(decision.reservation, actual_cost)           # its points; the permit stays taken
        async with limiter.hold(decision.reservation): ...          # renewed meanwhile, released at the end

Subjects carry their name space (`user:…`, `ip:…`), so that an address is never taken for a customer's id.
`reserve`, `settle`, `renew` and `release` never raise because of the store: without it the policies' ``on_error``
decide, and `Decision.degraded` says so.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from matapalo.process.clock import Clock
from matapalo.ratelimit.denial_cache import DenialCache
from matapalo.ratelimit.metrics import LimiterMetrics, Source
from matapalo.ratelimit.rules import decision as rules
from matapalo.ratelimit.rules.decision import Decision, RateLimitReservation
from matapalo.ratelimit.rules.lease import NEVER_TAKEN_US
from matapalo.ratelimit.rules.policy import Kind, Plan, PolicyState
from matapalo.ratelimit.rules.state import Settlement
from matapalo.ratelimit.rules.window import StrictWindow
from matapalo.ratelimit.rules.wire import ENFORCE, ReserveResult
from matapalo.ratelimit.store.coalescer import Coalescer
from matapalo.ratelimit.store.local_fallback import LocalFallback
from matapalo.ratelimit.store.ports import Call, Store, StoreUnavailable, key_of
from matapalo.ratelimit.tiers import TierSet


class Limiter:
    """One per process. ``tiers`` may be exchanged at any time (`matapalo.ratelimit.tier_reloader` does)."""

    def __init__(
        self,
        tiers: TierSet,
        store: Store,
        clock: Clock,
        *,
        metrics: LimiterMetrics,
        timeout_s: float = 0.05,
        replicas: int = 1,
        namespace: str = "",
    ) -> None:
        self.tiers = tiers
        self._namespace = namespace
        self.denial_cache = DenialCache(clock)
        self.local = LocalFallback(clock, replicas=replicas)
        self._store = store
        self._metrics = metrics
        self._is_degraded = False
        self._calls = Coalescer(
            store, clock, timeout_s=timeout_s, on_failure=self._store_failed, on_success=self._store_succeeded
        )

    def _key_of(self, subject: str) -> str:
        return key_of(subject, self._namespace)

    async def aclose(self) -> None:
        """Send what is still to be settled and close the connections."""
        await self._calls.drain()
        await self._store.aclose()

    async def drain(self) -> None:
        """Wait until everything settled and released so far has been sent."""
        await self._calls.drain()

    async def reserve(self, subject: str, tier: str, *, cost: int, kind: Kind) -> Decision:
        """One atomic call for all policies of ``subject``: all are charged, or none. ``cost`` ≥ 0 points."""
        if cost < 0 or ":" not in subject:
            raise ValueError(f"cost {cost}, subject {subject!r}: costs are not negative, subjects have a name space")
        plan = self.tiers.plan(tier, kind)
        if plan.blocked:
            return self._count(rules.blocked(plan, tier), "settings")
        if not any(plan.modes):
            return self._count(rules.unlimited(plan, tier, subject, cost), "settings")
        denied = self.denial_cache.find(subject, kind, tier, cost)
        if denied is not None:
            return self._count(denied, "denial_cache")
        try:
            return self._count(await self._reserve_in_store(plan, tier, subject, cost), "store")
        except StoreUnavailable:
            return self._count(self._reserve_locally(plan, tier, subject, cost), "local")

    def check_denial_cache(self, subject: str, tier: str, kind: Kind) -> Decision | None:
        """A denial of a moment ago that still stands, whatever the next operation costs; else None."""
        # A window denied, so this one is denied, too; when it misses points as well, it may have to wait for longer.
        denied = self.denial_cache.find(subject, kind, tier)
        return None if denied is None else self._count(denied, "denial_cache")

    def settle(self, reservation: RateLimitReservation, actual_cost: int) -> int:
        """The operation has ended: credit ``cost - actual_cost`` (what is returned, 0 the second time).

        Also releases the permit, except for a subscription's. Sent once, in the background, never retried.
        """
        unused = 0
        if not reservation.is_settled:
            reservation.is_settled = True
            unused = min(reservation.cost, max(0, reservation.cost - actual_cost))
            self._metrics.settled(unused, max(0, actual_cost - reservation.cost))
        self._give_back(reservation, unused, permit=reservation.kind != "subscription")
        return unused

    def release(self, reservation: RateLimitReservation) -> None:
        """Give the permit back; nothing the second time."""
        self._give_back(reservation, 0, permit=True)

    async def renew(self, reservation: RateLimitReservation) -> bool:
        """Keep the permit for another lease; False when it had run out and no other is free."""
        plan = self.tiers.plan(reservation.tier, reservation.kind)
        if reservation.is_released or plan.lease_index is None:
            return True
        taken_us = NEVER_TAKEN_US if reservation.is_local else reservation.taken_at_us
        call = Call("renew", self._key_of(reservation.subject), (plan.packed, plan.lease_index, taken_us))
        try:
            moment_us: int = await self._calls.run(call)
        except StoreUnavailable:
            return self._renew_locally(reservation, plan)
        if not moment_us:
            return False
        if reservation.is_released:  # while the call was under way: so is the permit that came with its result
            late = RateLimitReservation(
                reservation.subject, reservation.tier, reservation.kind, 0, moment_us, is_settled=True
            )
            self._give_back(late, 0, permit=True)
        reservation.taken_at_us = moment_us
        reservation.is_local = False
        return True

    @contextlib.asynccontextmanager
    async def hold(self, reservation: RateLimitReservation) -> AsyncIterator[None]:
        """Renew the permit for as long as the block runs, release it at its end.

        A permit that was lost is asked for again each time; the block is not interrupted.
        """
        renewal = asyncio.create_task(self._keep_renewing(reservation))
        try:
            yield
        finally:
            renewal.cancel()
            self.release(reservation)

    async def state(self, subject: str, tier: str) -> tuple[PolicyState, ...]:
        """How all policies of ``subject`` stand; charges nothing. Raises `StoreUnavailable`."""
        plan = self.tiers.plan(tier, None)
        numbers = await self._calls.run(Call("reserve", self._key_of(subject), (plan.packed, 0)))
        return rules.policy_states(plan, ReserveResult.from_numbers(numbers), uncounted=True)

    async def reset(self, subject: str) -> bool:
        """Forget everything about ``subject``, in all processes within a second; whether there was something.

        Raises `StoreUnavailable`.
        """
        self._forget(subject)
        existed = await self._store.delete(self._key_of(subject))
        await self._store.publish({}, counter="resets")
        self._forget(subject)  # what was decided meanwhile
        return existed

    def use(self, tiers: TierSet) -> None:
        """Other tiers from now on. Counts are kept where the policy is the same, whatever its limit was."""
        self.tiers = tiers
        self.denial_cache.clear()

    def forget_all(self) -> None:
        """Drop what this process has cached: a subject was reset, perhaps by another process."""
        self.denial_cache.clear()
        self.local.clear()

    def _forget(self, subject: str) -> None:
        self.denial_cache.forget(subject)
        self.local.forget(subject)

    async def _reserve_in_store(self, plan: Plan, tier: str, subject: str, cost: int) -> Decision:
        def give_back(numbers: Any) -> None:
            result = ReserveResult.from_numbers(numbers)
            late = rules.decide(plan, tier, subject, cost, result).reservation
            if late is not None:  # the caller was cancelled: nothing is executed, so nothing is charged
                self.settle(late, 0)
                self.release(late)

        call = Call("reserve", self._key_of(subject), (plan.packed, cost))
        result = ReserveResult.from_numbers(await self._calls.run(call, on_abandoned=give_back))
        decision = rules.decide(plan, tier, subject, cost, result)
        self.local.record(subject, plan.policies, result)
        if not decision.allowed and plan.kind is not None and (certain_s := rules.certain_s(plan, result)) > 0:
            self.denial_cache.add(subject, plan.kind, decision, cost=cost, certain_s=certain_s)
        return decision

    def _reserve_locally(self, plan: Plan, tier: str, subject: str, cost: int) -> Decision:
        enforced = [policy for policy, mode in zip(plan.policies, plan.modes, strict=True) if mode == ENFORCE]
        closed = [policy for policy in enforced if policy.on_error == "closed"]
        if closed:
            return rules.unavailable(tier, closed)
        share = self.local.share(plan)
        if not any(share.modes):
            return rules.unlimited(plan, tier, subject, cost, degraded=True)
        return rules.decide(share, tier, subject, cost, self.local.reserve(subject, plan, cost), is_local=True)

    def _give_back(self, reservation: RateLimitReservation, unused: int, *, permit: bool) -> None:
        plan = self.tiers.plan(reservation.tier, reservation.kind)
        bucket = plan.bucket if unused else None
        lease = None
        if permit and not reservation.is_released:
            reservation.is_released = True
            lease = plan.lease
        if bucket is None and lease is None:
            return
        settlement = Settlement(reservation.taken_at_us, unused, bucket, lease)
        if reservation.is_local:
            self.local.settle(reservation.subject, settlement)
        else:
            self._calls.post(Call("settle", self._key_of(reservation.subject), settlement.arguments()))

    def _renew_locally(self, reservation: RateLimitReservation, plan: Plan) -> bool:
        if not reservation.is_local:
            return True  # the store keeps it, or it is asked for again when the store is back
        share = self.local.share(plan)
        if share.lease is None:
            return True
        moment_us = self.local.renew(reservation.subject, share, share.lease, reservation.taken_at_us)
        if moment_us:
            reservation.taken_at_us = moment_us
        return moment_us > 0

    async def _keep_renewing(self, reservation: RateLimitReservation) -> None:
        lease = self.tiers.plan(reservation.tier, reservation.kind).lease
        if lease is None:
            return
        assert isinstance(lease.rule, StrictWindow)  # noqa: S101 - a concurrency policy has no other rule
        while True:
            await asyncio.sleep(lease.rule.window_us / 3e6)  # two may be lost before the lease runs out
            await self.renew(reservation)

    def _count(self, decision: Decision, source: Source) -> Decision:
        reserved = decision.reservation
        charged = reserved.cost if reserved is not None and not reserved.is_settled else 0
        self._metrics.decided(decision.tier, decision.denial or "allowed", source, charged)
        for name in decision.violated:
            self._metrics.violated(decision.tier, name, "enforce")
        for name in decision.would_deny:
            self._metrics.violated(decision.tier, name, "shadow")
        return decision

    def _store_failed(self, reason: str, calls: int) -> None:
        self._is_degraded = True
        self._metrics.failed(reason, calls)

    def _store_succeeded(self) -> None:
        if self._is_degraded:
            self._is_degraded = False
            self._metrics.recovered()
            self.local.clear_states()
