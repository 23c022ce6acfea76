"""The limiter: decides for a subject whether an operation may run, and takes back what it did not use.

    decision = await limiter.reserve("user:cust_0001", viewer.tier, cost=42, kind="query")
    if decision.reservation is not None:                            # admitted
        try:    ...                                                 # execute
        finally: limiter.settle(decision.reservation, actual_cost)  # never waits, never raises

A subscription keeps its place among the concurrent operations for as long as it is open:

        limiter.settle(decision.reservation, actual_cost)           # its points; the place stays taken
        async with limiter.hold(decision.reservation): ...          # renewed meanwhile, given back at the end

Subjects carry their name space (`user:…`, `ip:…`), so that an address is never taken for somebody's id.
`reserve`, `settle`, `renew` and `release` never raise because of the store: without it the policies' ``on_error``
decide, and `Decision.degraded` says so.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from matapalo.process.clock import Clock
from matapalo.ratelimit.denial_cache import Denials
from matapalo.ratelimit.metrics import LimiterMetrics
from matapalo.ratelimit.rules import decision as verdicts
from matapalo.ratelimit.rules.decision import Decision, RateLimitReservation
from matapalo.ratelimit.rules.policy import ENFORCE, NOT_ASKED, Kind, Plan, Policy, PolicyState
from matapalo.ratelimit.rules.state import Claim
from matapalo.ratelimit.rules.window import StrictWindow
from matapalo.ratelimit.store.coalescer import Coalescer
from matapalo.ratelimit.store.local_fallback import LocalLimits
from matapalo.ratelimit.store.ports import Call, Store, StoreUnavailable, key_of
from matapalo.ratelimit.tiers import TierSet

LOST = -1
"""A moment at which no place was ever taken: renewing from it takes a new one."""


class Limiter:
    """One per process. ``tiers`` may be exchanged at any time (`matapalo.ratelimit.tier_reloader` does, from the
    store)."""

    def __init__(
        self,
        tiers: TierSet,
        store: Store,
        clock: Clock,
        *,
        metrics: LimiterMetrics,
        timeout_s: float = 0.05,
        replicas: int = 1,
    ) -> None:
        self.tiers = tiers
        self.denials = Denials(clock)
        self.local = LocalLimits(clock, replicas=replicas)
        self._store = store
        self._metrics = metrics
        self._is_away = False
        self._calls = Coalescer(
            store, clock, timeout_s=timeout_s, on_failure=self._went_away, on_success=self._came_back
        )

    @property
    def is_degraded(self) -> bool:
        """Whether the store failed to answer last time."""
        return self._is_away

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
            return self._decided(verdicts.blocked(plan, tier), "settings")
        if not any(plan.modes):
            return self._decided(verdicts.unlimited(plan, tier, subject, cost), "settings")
        denied = self.denials.find(subject, kind, tier, cost)
        if denied is not None:
            return self._decided(denied, "denials")
        try:
            return self._decided(await self._ask(plan, tier, subject, cost), "store")
        except StoreUnavailable:
            return self._decided(self._reserve_locally(plan, tier, subject, cost), "local")

    def check_denial_cache(self, subject: str, tier: str, kind: Kind) -> Decision | None:
        """A refusal of a moment ago that still stands, whatever the next operation costs; else None.

        A window refuses, so this one is refused, too; when it lacks points as well, it may have to wait for longer.
        """
        denied = self.denials.find(subject, kind, tier)
        return None if denied is None else self._decided(denied, "denials")

    def settle(self, reservation: RateLimitReservation, actual_cost: int) -> int:
        """The operation has ended: credit ``cost - actual_cost`` (what is returned, 0 the second time).

        Also gives the place back, except for a subscription's. Sent once, in the background, never retried.
        """
        unused = 0
        if not reservation.is_settled:
            reservation.is_settled = True
            unused = min(reservation.cost, max(0, reservation.cost - actual_cost))
            self._metrics.settled(unused, max(0, actual_cost - reservation.cost))
        self._give_back(reservation, unused, place=reservation.kind != "subscription")
        return unused

    def release(self, reservation: RateLimitReservation) -> None:
        """Give the place among the concurrent operations back; nothing the second time."""
        self._give_back(reservation, 0, place=True)

    async def renew(self, reservation: RateLimitReservation) -> bool:
        """Keep the place for another lease; False when it had run out and no other is free."""
        plan = self.tiers.plan(reservation.tier, reservation.kind)
        if reservation.is_released or plan.lease is None:
            return True
        taken_us = LOST if reservation.is_local else reservation.taken_at_us
        call = Call("renew", key_of(reservation.subject), (plan.packed, plan.lease, taken_us))
        try:
            moment_us: int = await self._calls.ask(call)
        except StoreUnavailable:
            return self._renew_locally(reservation, plan)
        if not moment_us:
            return False
        if reservation.is_released:  # given back while the answer was under way: so is what came with it
            late = RateLimitReservation(
                reservation.subject, reservation.tier, reservation.kind, 0, moment_us, is_settled=True
            )
            self._give_back(late, 0, place=True)
        reservation.taken_at_us = moment_us
        reservation.is_local = False
        return True

    @contextlib.asynccontextmanager
    async def hold(self, reservation: RateLimitReservation) -> AsyncIterator[None]:
        """Renew the place for as long as the block runs, give it back at its end.

        A place that was lost is asked for again each time; the block is not interrupted.
        """
        renewing = asyncio.create_task(self._keep_renewing(reservation))
        try:
            yield
        finally:
            renewing.cancel()
            self.release(reservation)

    async def state(self, subject: str, tier: str) -> tuple[PolicyState, ...]:
        """How all policies of ``subject`` stand; charges nothing. Raises `StoreUnavailable`."""
        plan = self.tiers.plan(tier, None)
        reply = await self._calls.ask(Call("reserve", key_of(subject), (plan.packed, 0)))
        return verdicts.states(plan, verdicts.from_reply(reply), everything=True)

    async def reset(self, subject: str) -> bool:
        """Forget everything about ``subject``, in all processes within a second; whether there was something.

        Raises `StoreUnavailable`.
        """
        self.forget(subject)
        existed = await self._store.delete(key_of(subject))
        await self._store.publish({}, counter="resets")
        self.forget(subject)
        return existed

    def use(self, tiers: TierSet) -> None:
        """Other tiers from now on. Counts are kept where the policy is the same, whatever its limit was."""
        self.tiers = tiers
        self.denials.clear()

    def forget_everybody(self) -> None:
        """What this process remembers: somebody was reset, perhaps by another process."""
        self.denials.clear()
        self.local.clear()

    def forget(self, subject: str) -> None:
        """What this process remembers of ``subject``."""
        self.denials.forget(subject)
        self.local.forget(subject)

    async def _ask(self, plan: Plan, tier: str, subject: str, cost: int) -> Decision:
        def abandoned(reply: list[int]) -> None:
            late = verdicts.decide(plan, tier, subject, cost, verdicts.from_reply(reply)).reservation
            if late is not None:  # nobody waits any more: nothing is executed, so nothing is charged
                self.settle(late, 0)
                self.release(late)

        call = Call("reserve", key_of(subject), (plan.packed, cost))
        verdict = verdicts.from_reply(await self._calls.ask(call, abandoned=abandoned))
        decision = verdicts.decide(plan, tier, subject, cost, verdict)
        self.local.remember(subject, plan.policies, tuple(verdict.remaining))
        if not decision.admitted and plan.kind is not None and (certain_s := verdicts.certain_s(plan, verdict)) > 0:
            self.denials.add(subject, plan.kind, decision, cost=cost, certain_s=certain_s)
        return decision

    def _reserve_locally(self, plan: Plan, tier: str, subject: str, cost: int) -> Decision:
        asked = [one for one, mode in zip(plan.policies, plan.modes, strict=True) if mode == ENFORCE]
        closed = [one for one in asked if one.on_error == "closed"]
        if closed:
            return verdicts.unavailable(tier, closed)
        mine = self.local.plan(plan)
        if all(mode == NOT_ASKED for mode in mine.modes):
            return verdicts.unlimited(plan, tier, subject, cost, degraded=True)
        return verdicts.decide(mine, tier, subject, cost, self.local.reserve(subject, plan, cost), is_local=True)

    def _give_back(self, reservation: RateLimitReservation, unused: int, *, place: bool) -> None:
        plan = self.tiers.plan(reservation.tier, reservation.kind)
        bucket = plan.policies[plan.bucket] if unused and plan.bucket is not None else None
        lease = None
        if place and not reservation.is_released:
            reservation.is_released = True
            lease = plan.policies[plan.lease] if plan.lease is not None else None
        if bucket is None and lease is None:
            return
        if reservation.is_local:
            self.local.settle(reservation.subject, Claim(reservation.taken_at_us, unused, bucket, lease))
        else:
            numbers = _numbers(reservation.taken_at_us, unused, bucket, lease)
            self._calls.tell(Call("settle", key_of(reservation.subject), numbers))

    def _renew_locally(self, reservation: RateLimitReservation, plan: Plan) -> bool:
        if not reservation.is_local:
            return True  # the store keeps it, or it is asked for again when the store is back
        mine = self.local.plan(plan)
        if mine.lease is None:
            return True
        place = mine.policies[mine.lease]
        moment_us = self.local.renew(reservation.subject, mine, place, reservation.taken_at_us)
        if moment_us:
            reservation.taken_at_us = moment_us
        return moment_us > 0

    async def _keep_renewing(self, reservation: RateLimitReservation) -> None:
        plan = self.tiers.plan(reservation.tier, reservation.kind)
        if plan.lease is None:
            return
        rule = plan.policies[plan.lease].rule
        assert isinstance(rule, StrictWindow)  # noqa: S101 - a concurrency policy has no other rule
        while True:
            await asyncio.sleep(rule.window_us / 3e6)
            await self.renew(reservation)

    def _decided(self, decision: Decision, source: str) -> Decision:
        count = self._metrics
        reserved = decision.reservation
        verdict = "admitted" if decision.refusal is None else decision.refusal
        charged = reserved.cost if reserved is not None and not reserved.is_settled else 0
        count.decided(decision.tier, verdict, source, charged)
        for name in decision.violated:
            count.violated(decision.tier, name, "enforce")
        for name in decision.would_refuse:
            count.violated(decision.tier, name, "shadow")
        return decision

    def _went_away(self, reason: str, calls: int) -> None:
        self._is_away = True
        self._metrics.failed(reason, calls)

    def _came_back(self) -> None:
        if self._is_away:
            self._is_away = False
            self._metrics.recovered()
            if not self._calls.breaker.is_open:
                self.local.forget_states()


def _numbers(taken_us: int, unused: int, bucket: Policy | None, lease: Policy | None) -> tuple[int, ...]:
    points = bucket.numbers(None) if bucket is not None else (0,) * 6
    place = lease.numbers(None) if lease is not None else (0,) * 6
    return taken_us, points[1], points[3], unused, place[1], place[3], place[4]
