"""One decision over all policies of a subject, and what is kept between two of them."""

from benchmarks.traffic import NOON, S
from matapalo.ratelimit.rules import state as rules
from matapalo.ratelimit.rules.policy import Policy, plan
from matapalo.ratelimit.rules.state import Settlement, State
from matapalo.ratelimit.rules.window import NEVER
from matapalo.ratelimit.rules.wire import ReserveResult
from tests.harness.limits_policies import permits, points, requests
from tests.harness.limits_value import decode, encode

MINUTE, HOUR, COST, PERMITS = requests("minute", 2, 60), requests("hour", 3, 3600), points(100, 10), permits(5)
ALL = (MINUTE, HOUR, COST, PERMITS)


def reserve(
    state: State | None, now_us: int, cost: int = 1, policies: tuple[Policy, ...] = ALL
) -> tuple[ReserveResult, State | None]:
    result, after = rules.reserve(plan(policies, "query"), state, now_us, cost)
    return result, after or state


def test_when_one_denies_none_is_charged() -> None:
    state: State | None = None
    for _ in range(2):
        _, state = reserve(state, NOON)
    result, after = rules.reserve(plan(ALL, "query"), state, NOON, 1)
    assert not result.allowed
    assert after is None
    assert result.remaining == [0, 1, 98, 3]


def test_the_longest_wait_is_told_for_each_policy() -> None:
    state: State | None = None
    for second in (0, 40, 70):
        _, state = reserve(state, NOON + second * S)
    result, _ = reserve(state, NOON + 71 * S)
    assert list(result.wait_us[:2]) == [31 * S, 3889 * S]


def test_more_than_the_bucket_ever_holds_never_fits() -> None:
    result, _ = reserve(None, NOON, cost=101)
    assert result.wait_us[2] == NEVER


def test_a_shadow_policy_denies_nothing_and_is_charged_as_if() -> None:
    shadowed = (requests("minute", 1, 60, shadow=True), HOUR)
    _, state = reserve(None, NOON, policies=shadowed)
    result, state = reserve(state, NOON, policies=shadowed)
    assert result.allowed
    assert result.wait_us[0] > 0
    assert state is not None
    assert sum(state.sections[shadowed[0].section]) == 1
    assert sum(state.sections[HOUR.section]) == 2


def test_other_limits_keep_the_counts() -> None:
    _, state = reserve(None, NOON, cost=60)
    better = (requests("minute", 10, 60), requests("hour", 30, 3600), points(1000, 20), permits(9))
    result, _ = reserve(state, NOON, policies=better)
    assert result.remaining == [8, 28, 939, 7]


def test_another_window_starts_afresh_and_leaves_the_rest() -> None:
    _, state = reserve(None, NOON)
    result, _ = reserve(state, NOON, policies=(requests("minute", 2, 30), HOUR))
    assert result.remaining == [1, 1]


def test_a_clock_that_goes_back_restores_nothing() -> None:
    _, state = reserve(None, NOON, cost=100)
    result, _ = reserve(state, NOON - 90 * S, cost=1)
    assert result.moment_us == NOON
    assert result.wait_us[2] == 90 * S + S // 10  # exact by the clock of now


def test_a_clock_that_was_far_wrong_does_not_lock_out() -> None:
    _, state = reserve(None, NOON + 365 * 86_400 * S, cost=100)
    result, _ = reserve(state, NOON, cost=100)
    assert result.allowed


def test_what_was_forgotten_gets_nothing_back() -> None:
    result, _ = reserve(None, NOON, cost=50)
    _, after_reset = reserve(None, NOON + S, cost=50)  # forgotten, and begun again
    settlement = Settlement(result.moment_us, 50, COST, PERMITS)
    assert rules.settle(settlement, after_reset, NOON + S) is None
    assert rules.settle(settlement, None, NOON + S) is None


def test_settling_changes_debt_and_permit_alone() -> None:
    result, state = reserve(None, NOON, cost=50)
    after = rules.settle(Settlement(result.moment_us, 30, COST, PERMITS), state, NOON)
    assert after is not None
    read, _ = rules.reserve(plan(ALL, None), after, NOON, 0)
    assert read.remaining == [1, 2, 80, 5]


def test_a_kind_that_is_not_counted_leaves_the_state_alone() -> None:
    _, state = reserve(None, NOON)
    _, after = rules.reserve(plan(ALL, "introspection"), state, NOON + S, 40)
    assert after is not None
    assert state is not None
    assert after.sections[MINUTE.section] == state.sections[MINUTE.section]
    assert sum(after.sections[PERMITS.section]) == 2


def test_the_packed_value_reads_back() -> None:
    _, state = reserve(None, NOON, cost=33)
    assert state is not None
    assert decode(encode(state)) == state


def test_another_layout_is_a_fresh_start() -> None:
    assert decode(b"\x93\x02\x01\x01") is None
    assert decode(b"") is None
