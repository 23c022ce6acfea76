"""The rules and their Lua twins, side by side on the real store: same results, same bytes, same lifetime."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.traffic import NOON, S
from matapalo.ratelimit.rules import state as rules
from matapalo.ratelimit.rules.policy import Kind, Plan, Policy, plan
from matapalo.ratelimit.rules.state import Settlement, State
from matapalo.ratelimit.store.scripts import NAMES, Name, script
from tests.harness.limits_policies import permits, points, requests
from tests.harness.limits_value import encode, lifetime_us, numbers_of

pytestmark = pytest.mark.stack

CLOCK_OF_THE_TEST = "local function clock() return tonumber(ARGV[#ARGV]) end"
KEY = "rl:{test:parity}"

Step = tuple[Literal["reserve", "settle", "renew", "read"], int, int, int]


@pytest.fixture(scope="module")
def store(valkey_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(valkey_url)
    yield client
    client.close()


def run(store: redis.Redis, name: Name, *arguments: Any) -> Any:
    return store.eval(script(name, clock=CLOCK_OF_THE_TEST).text, 1, KEY, *arguments)


limits = st.integers(0, 6)
windows = st.builds(
    requests,
    st.sampled_from(["minute", "hour"]),
    limits,
    st.sampled_from([1, 7, 60]),
    precision=st.sampled_from([1, 3, 10]),
    shadow=st.booleans(),
)
buckets = st.builds(points, st.sampled_from([0, 5, 40, 10**9]), st.sampled_from([1, 3, 10**9]), shadow=st.booleans())
leases = st.builds(permits, limits, st.sampled_from([1, 30]), shadow=st.booleans())
tiers = st.lists(
    st.one_of(windows, buckets, leases), min_size=1, max_size=5, unique_by=lambda policy: policy.section
).map(tuple)
steps = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "reserve", "reserve", "settle", "renew", "read"]),
        st.sampled_from([0, 1, 99_999, 400_000, S, 6 * S, 61 * S, -2 * S, -400 * S]),  # the clock steps, also back
        st.integers(0, 45),
        st.integers(0, 3),
    ),
    max_size=25,
)


class Twins:
    """One subject, kept by the rules here and by the scripts in the store; every step compares the two."""

    def __init__(self, store: redis.Redis, first: tuple[Policy, ...]) -> None:
        self.store = store
        self.store.delete(KEY)
        self.policies = first
        self.state: State | None = None
        self.taken: list[tuple[int, int]] = []
        self.now_us = NOON

    def step(self, what: str, cost: int, which: int) -> None:
        {"reserve": self.reserve, "settle": self.settle, "renew": self.renew, "read": self.read}[what](cost, which)

    def reserve(self, cost: int, which: int) -> None:
        kinds: tuple[Kind, ...] = ("query", "introspection", "mutation", "query")
        self._reserve(plan(self.policies, kinds[which]), cost)

    def read(self, cost: int, which: int) -> None:
        before = self.store.get(KEY)
        self._reserve(plan(self.policies, None), 0)
        assert self.store.get(KEY) == before

    def _reserve(self, prepared: Plan, cost: int) -> None:
        before = self.store.get(KEY)
        result, after = rules.reserve(prepared, self.state, self.now_us, cost)
        assert run(self.store, "reserve", prepared.packed, cost, self.now_us) == numbers_of(result)
        if not result.allowed:
            assert self.store.get(KEY) == before
        else:
            self.taken.append((result.moment_us, cost))
        self._compare(after)

    def settle(self, cost: int, which: int) -> None:
        if not self.taken:
            return
        taken_us, reserved = self.taken[which % len(self.taken)]
        bucket = next((policy for policy in self.policies if policy.shape == "cost"), None)
        lease = next((policy for policy in self.policies if policy.shape == "concurrency"), None)
        settlement = Settlement(taken_us, min(cost, reserved), bucket, lease)
        after = rules.settle(settlement, self.state, self.now_us)
        life_ms = self.store.pttl(KEY)
        run(self.store, "settle", *settlement.arguments(), self.now_us)
        if after is not None:
            self.state = after
            assert life_ms - 1000 <= self.store.pttl(KEY) <= life_ms  # giving back does not keep it longer
        self._same()

    def renew(self, cost: int, which: int) -> None:
        prepared = plan(self.policies, "query")
        if prepared.lease is None or not self.taken:
            return
        taken_us, _ = self.taken[which % len(self.taken)]
        moment_us, after = rules.renew(prepared, prepared.lease, self.state, self.now_us, taken_us)
        assert run(self.store, "renew", prepared.packed, prepared.lease_index, taken_us, self.now_us) == moment_us
        self._compare(after)

    def _compare(self, after: State | None) -> None:
        if after is not None:
            self.state = after
            life_ms = -(-lifetime_us(after, self.policies) // 1000) + 1000
            assert life_ms - 500 <= self.store.pttl(KEY) <= life_ms
        self._same()

    def _same(self) -> None:
        assert self.store.get(KEY) == (None if self.state is None else encode(self.state))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=tiers, second=tiers, story=steps, change_after=st.integers(0, 25))
def test_rule_and_script_agree_in_every_step(
    store: redis.Redis, first: tuple[Policy, ...], second: tuple[Policy, ...], story: list[Step], change_after: int
) -> None:
    twins = Twins(store, first)
    for number, (what, pause_us, cost, which) in enumerate(story):
        if number == change_after:
            twins.policies = second
        twins.now_us += pause_us
        twins.step(what, cost, which)


@pytest.mark.parametrize("name", NAMES)
def test_the_scripts_read_the_clock_of_the_store(store: redis.Redis, name: Name) -> None:
    assert "redis.call('TIME')" in script(name).text


def test_an_unreadable_value_is_a_fresh_start(store: redis.Redis) -> None:
    prepared = plan((requests("minute", 2, 60),), "query")
    unreadable: list[Callable[[], object]] = [
        lambda: store.set(KEY, b"\xc1 no message pack"),
        lambda: store.set(KEY, b"\x93\x02\x01\x01"),  # a layout of the future
        lambda: store.set(KEY, b"\x00"),
    ]
    for spoil in unreadable:
        spoil()
        assert run(store, "reserve", prepared.packed, 0, NOON)[:3] == [1, NOON, 1]
