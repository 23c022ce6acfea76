"""One decision over all policies of a subject, and what is kept between two of them."""

from benchmarks.traffic import NOON, S
from matapalo.ratelimit.rules import state as states
from matapalo.ratelimit.rules.policy import Policy, plan
from matapalo.ratelimit.rules.state import Claim, State
from matapalo.ratelimit.rules.window import NEVER
from tests.harness.limits_policies import places, points, requests

MINUTE, HOUR, COST, PLACES = requests("minute", 2, 60), requests("hour", 3, 3600), points(100, 10), places(5)
ALL = (MINUTE, HOUR, COST, PLACES)


def ask(
    state: State | None, now_us: int, cost: int = 1, policies: tuple[Policy, ...] = ALL
) -> tuple[states.Verdict, State | None]:
    verdict, after = states.reserve(plan(policies, "query"), state, now_us, cost)
    return verdict, after or state


def test_when_one_refuses_none_is_charged() -> None:
    state: State | None = None
    for _ in range(2):
        _, state = ask(state, NOON)
    verdict, after = states.reserve(plan(ALL, "query"), state, NOON, 1)
    assert not verdict.admitted
    assert after is None
    assert list(verdict.remaining) == [0, 1, 98, 3]


def test_the_longest_wait_is_told_for_each_policy() -> None:
    state: State | None = None
    for second in (0, 40, 70):
        _, state = ask(state, NOON + second * S)
    verdict, _ = ask(state, NOON + 71 * S)
    assert list(verdict.wait_us[:2]) == [31 * S, 3889 * S]


def test_more_than_the_bucket_ever_holds_never_fits() -> None:
    verdict, _ = ask(None, NOON, cost=101)
    assert verdict.wait_us[2] == NEVER


def test_a_shadow_policy_refuses_nothing_and_is_charged_as_if_it_did() -> None:
    shadowed = (requests("minute", 1, 60, shadow=True), HOUR)
    _, state = ask(None, NOON, policies=shadowed)
    verdict, state = ask(state, NOON, policies=shadowed)
    assert verdict.admitted
    assert verdict.wait_us[0] > 0
    assert state is not None
    assert sum(state.sections[shadowed[0].section]) == 1
    assert sum(state.sections[HOUR.section]) == 2


def test_other_limits_keep_the_counts() -> None:
    _, state = ask(None, NOON, cost=60)
    better = (requests("minute", 10, 60), requests("hour", 30, 3600), points(1000, 20), places(9))
    verdict, _ = ask(state, NOON, policies=better)
    assert list(verdict.remaining) == [8, 28, 939, 7]


def test_another_window_starts_afresh_and_leaves_the_rest() -> None:
    _, state = ask(None, NOON)
    verdict, _ = ask(state, NOON, policies=(requests("minute", 2, 30), HOUR))
    assert list(verdict.remaining) == [1, 1]


def test_a_clock_that_goes_back_restores_nothing() -> None:
    _, state = ask(None, NOON, cost=100)
    verdict, _ = ask(state, NOON - 90 * S, cost=1)
    assert verdict.moment_us == NOON
    assert verdict.wait_us[2] == 90 * S + S // 10  # exact by the clock that is asked


def test_a_clock_that_was_far_wrong_does_not_lock_out() -> None:
    _, state = ask(None, NOON + 365 * 86_400 * S, cost=100)
    verdict, _ = ask(state, NOON, cost=100)
    assert verdict.admitted


def test_what_was_forgotten_gets_nothing_back() -> None:
    verdict, _ = ask(None, NOON, cost=50)
    _, after_reset = ask(None, NOON + S, cost=50)  # forgotten, and somebody began again
    claim = Claim(verdict.moment_us, 50, COST, PLACES)
    assert states.settle(claim, after_reset, NOON + S) is None
    assert states.settle(claim, None, NOON + S) is None


def test_giving_back_changes_debt_and_place_alone() -> None:
    verdict, state = ask(None, NOON, cost=50)
    after = states.settle(Claim(verdict.moment_us, 30, COST, PLACES), state, NOON)
    assert after is not None
    found, _ = states.reserve(plan(ALL, None), after, NOON, 0)
    assert list(found.remaining) == [1, 2, 80, 5]


def test_a_kind_that_a_policy_does_not_count_leaves_its_state_alone() -> None:
    _, state = ask(None, NOON)
    _, after = states.reserve(plan(ALL, "introspection"), state, NOON + S, 40)
    assert after is not None
    assert state is not None
    assert after.sections[MINUTE.section] == state.sections[MINUTE.section]
    assert sum(after.sections[PLACES.section]) == 2


def test_the_packed_value_reads_back() -> None:
    _, state = ask(None, NOON, cost=33)
    assert state is not None
    assert states.decode(states.encode(state)) == state


def test_another_layout_is_a_fresh_start() -> None:
    assert states.decode(b"\x93\x02\x01\x01") is None
    assert states.decode(b"") is None
