"""The judgement on a window of traffic: PASS, FAIL or HOLD, each with its numbers. A pure function.

    check        FAIL when                                                                          judged from
    ceiling      the share of failures is above the ceiling, surely                                 5 failures
    errors       it is above legacy's, surely, and by more than the allowance                       min_requests
    latency      requests are slower (Mann-Whitney), surely, and by more than the allowance         min_requests
    tail         more of them are slower than legacy's p99, surely, and p99 is higher by more       1000 on both sides
    consistency  the comparator found a field that differs                                          min_compared

"Surely" is a p-value below ``significance``; the allowances keep a difference that is real but does not matter from
failing a rollout (with enough traffic everything is significant). Too little traffic is HOLD, never PASS. The worst
check is the verdict: FAIL before HOLD before PASS. Only a broken ``ceiling`` is ``critical``: it does not wait for a
second look. At the whole there is no legacy side to compare with: what is kept of it is the measure, and without any
only the ceiling is.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

import msgspec

from matapalo.strangler.metrics.histogram import above, total, typical_shift_ms, width_ms
from matapalo.strangler.metrics.traffic import SideTraffic, Traffic
from matapalo.strangler.settings import RolloutCriteria
from matapalo.strangler.shadow.consistency import Consistency, Field, Standing
from matapalo.strangler.significance import exceeds, more_failures, slower, superiority

CEILING_SIGNIFICANCE = 0.001
CEILING_FAILURES = 5
TAIL = 0.99
TAIL_REQUESTS = 1_000
FIELDS_NAMED = 3


class Outcome(StrEnum):
    """Of a check, and of all of them."""

    PASS = "PASS"  # noqa: S105 - no password
    HOLD = "HOLD"
    FAIL = "FAIL"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One question and its outcome. ``because`` is a sentence with the numbers that decided."""

    name: str
    outcome: Outcome
    because: str
    numbers: Mapping[str, float] = {}
    critical: bool = False


class Verdict(msgspec.Struct, frozen=True):
    """All checks; the worst is the outcome."""

    outcome: Outcome
    checks: tuple[Check, ...]

    @property
    def because(self) -> str:
        """Why it is what it is: the sentences of the checks that made it so; of a PASS their names say enough."""
        decisive = [check for check in self.checks if check.outcome is self.outcome]
        if self.outcome is Outcome.PASS:
            return f"{', '.join(check.name for check in decisive)} pass"
        return "; ".join(dict.fromkeys(check.because for check in decisive))

    @property
    def is_critical(self) -> bool:
        return any(check.critical and check.outcome is Outcome.FAIL for check in self.checks)


def verdict_of(*checks: Check) -> Verdict:
    """The worst of the checks; without any HOLD, for nothing was looked at."""
    outcomes = {check.outcome for check in checks}
    for outcome in (Outcome.FAIL, Outcome.HOLD, Outcome.PASS):
        if outcome in outcomes:
            return Verdict(outcome, checks)
    return Verdict(Outcome.HOLD, checks)


def judge_traffic(traffic: Traffic, criteria: RolloutCriteria, *, at_the_whole: bool = False) -> tuple[Check, ...]:
    """The checks of traffic. ``at_the_whole``: legacy gets nothing any more, and what is there is its past."""
    return tuple(_checks(traffic.new, traffic.legacy, criteria, at_the_whole))


def _checks(new: SideTraffic, legacy: SideTraffic, criteria: RolloutCriteria, at_the_whole: bool) -> Iterator[Check]:
    ceiling = _ceiling(new, criteria)
    yield ceiling
    if ceiling.outcome is Outcome.FAIL:
        return
    if at_the_whole and legacy.requests < criteria.min_requests:
        return
    for check in (_errors, _latency, _tail):
        yield check(new, legacy, criteria)


def _ceiling(new: SideTraffic, criteria: RolloutCriteria) -> Check:
    share, p = new.error_share or 0.0, exceeds(new.failed, new.requests, ceiling=criteria.error_ceiling)
    said = f"new failed {new.failed} of {new.requests} ({share:.2%}), the ceiling is {criteria.error_ceiling:.2%}"
    numbers = {
        "failed": new.failed,
        "requests": new.requests,
        "share": share,
        "p": p,
        "ceiling": criteria.error_ceiling,
    }
    if new.failed >= CEILING_FAILURES and p < CEILING_SIGNIFICANCE:
        return Check(name="ceiling", outcome=Outcome.FAIL, because=said, numbers=numbers, critical=True)
    if new.requests < criteria.min_requests:
        return Check(name="ceiling", outcome=Outcome.HOLD, because=_too_little(new, "new", criteria), numbers=numbers)
    outcome = Outcome.PASS if share <= criteria.error_ceiling else Outcome.HOLD
    return Check(name="ceiling", outcome=outcome, because=said, numbers=numbers)


def _errors(new: SideTraffic, legacy: SideTraffic, criteria: RolloutCriteria) -> Check:
    ours, theirs = new.error_share or 0.0, legacy.error_share or 0.0
    p = more_failures(new.failed, new.requests, than_failed=legacy.failed, than_of=legacy.requests)
    numbers = {"new": ours, "legacy": theirs, "p": p, "allowance": criteria.error_allowance}
    because = _too_little(new, "new", criteria) or _too_little(legacy, "legacy", criteria)
    outcome = Outcome.HOLD
    if not because:
        is_worse = p < criteria.significance and ours - theirs > criteria.error_allowance
        outcome = Outcome.FAIL if is_worse else Outcome.PASS
        because = (
            f"new failed {new.failed} of {new.requests} ({ours:.2%}), legacy {legacy.failed} of {legacy.requests} "
            f"({theirs:.2%}), p = {p:.2g}"
        )
    return Check(name="errors", outcome=outcome, because=because, numbers=numbers)


def _latency(new: SideTraffic, legacy: SideTraffic, criteria: RolloutCriteria) -> Check:
    n, m = total(new.latency), total(legacy.latency)
    if min(n, m) < criteria.min_requests:
        because = f"latency needs {criteria.min_requests} timed requests on both sides: new has {n}, legacy {m}"
        return Check(name="latency", outcome=Outcome.HOLD, because=because, numbers={"new_n": n, "legacy_n": m})
    typical_new, typical_legacy = new.quantile_ms(0.5) or 0.0, legacy.quantile_ms(0.5) or 0.0
    p, shift = slower(new.latency, legacy.latency), typical_shift_ms(new.latency, legacy.latency)
    allowed = max(criteria.latency_allowance_ms, criteria.latency_allowance * typical_legacy)
    numbers = {
        "new_p50_ms": typical_new,
        "legacy_p50_ms": typical_legacy,
        "shift_ms": shift,
        "allowed_ms": allowed,
        "superiority": superiority(new.latency, legacy.latency),
        "p": p,
    }
    is_slower = p < criteria.significance and shift > allowed
    because = (
        f"a request of new takes typically {shift:+.0f} ms (p50 {typical_new:.0f} ms, legacy {typical_legacy:.0f} ms); "
        f"{allowed:.0f} ms more are allowed, p = {p:.2g}"
    )
    return Check(name="latency", outcome=Outcome.FAIL if is_slower else Outcome.PASS, because=because, numbers=numbers)


def _tail(new: SideTraffic, legacy: SideTraffic, criteria: RolloutCriteria) -> Check:
    """Never holds a rollout: what a few hundred requests cannot tell about p99 the other checks stand in for."""
    n, m = total(new.latency), total(legacy.latency)
    if min(n, m) < TAIL_REQUESTS:
        because = f"p99 is not judged below {TAIL_REQUESTS} timed requests on both sides: new has {n}, legacy {m}"
        return Check(name="tail", outcome=Outcome.PASS, because=because, numbers={"new_n": n, "legacy_n": m})
    ours, theirs = new.quantile_ms(TAIL) or 0.0, legacy.quantile_ms(TAIL) or 0.0
    limit = int(theirs) + width_ms(int(theirs))
    p = more_failures(above(new.latency, limit), n, than_failed=above(legacy.latency, limit), than_of=m)
    allowed = theirs + max(criteria.latency_allowance_ms, criteria.tail_allowance * theirs)
    is_worse = p < criteria.significance and ours > allowed
    because = f"p99 is {ours:.0f} ms, legacy's {theirs:.0f} ms; up to {allowed:.0f} ms are allowed, p = {p:.2g}"
    return Check(
        name="tail",
        outcome=Outcome.FAIL if is_worse else Outcome.PASS,
        because=because,
        numbers={"new_p99_ms": ours, "legacy_p99_ms": theirs, "allowed_ms": allowed, "p": p},
    )


def _too_little(side: SideTraffic, name: str, criteria: RolloutCriteria) -> str:
    if side.requests >= criteria.min_requests:
        return ""
    return f"too little traffic to tell: {name} had {side.requests} of {criteria.min_requests} requests"


def judge_consistency(consistency: Consistency, criteria: RolloutCriteria) -> Check:
    """The check of what the comparator saw in the window."""
    different = [field for field in consistency.fields if field.standing is Standing.DIFFERENT]
    suspect = [field for field in consistency.fields if field.standing is Standing.SUSPECT]
    compared = consistency.compared
    if different:
        more = f" and {len(different) - FIELDS_NAMED} more" if len(different) > FIELDS_NAMED else ""
        outcome = Outcome.FAIL
        because = f"of {compared} compared responses some differ at {_named(different)}{more}"
    elif compared < criteria.min_compared:
        outcome = Outcome.HOLD
        because = f"too little was compared to tell: {compared} of {criteria.min_compared} responses"
    elif suspect:
        outcome, because = Outcome.HOLD, f"{_named(suspect)} may differ: more comparisons will tell"
    else:
        outcome = Outcome.PASS
        because = f"{compared} responses were compared and no field differs beyond legacy's own noise"
    numbers = {
        "compared": compared,
        "differing": consistency.differing,
        "failed": consistency.failed,
        "dropped": consistency.dropped,
        "different_fields": len(different),
        "suspect_fields": len(suspect),
    }
    return Check(name="consistency", outcome=outcome, because=because, numbers=numbers)


def _named(fields: Sequence[Field]) -> str:
    return ", ".join(f"{field.path} ({field.raw}, noise {field.noise})" for field in fields[:FIELDS_NAMED])
