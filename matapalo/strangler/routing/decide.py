"""The side a request takes, and the reason: the rule in Python, computed by Envoy on the path of every request.

Envoy's tables are rendered from the same routes by `matapalo.strangler.envoy.policy`;
tests/stack/test_envoy_agrees_with_the_rule.py holds the two equal. Used to explain and to test, never to route.
"""

from enum import StrEnum
from typing import NamedTuple

from xxhash import xxh64_intdigest

from matapalo.strangler.routing.route import SAFE_METHODS, WHOLE_BP, Match, Route, Side

SHADOW_SALT = 2**32
"""Added to a route's seed (which is below it): the users compared are not those who first have the new side."""


class Reason(StrEnum):
    """The rule that decided."""

    FORCED = "forced"
    METHOD = "method"
    CANARY = "canary"
    COHORT = "cohort"
    USER = "user"
    SHARE = "share"
    NO_SUBJECT = "no-subject"
    DEFAULT = "default"


class Request(NamedTuple):
    """What a decision depends on. ``force`` is the side a trusted caller requires; ``subject`` is the user's id."""

    method: str
    subject: str | None = None
    force: str | None = None
    canary: str | None = None
    cohort: str | None = None


class SideDecision(NamedTuple):
    """A side, and the rule that chose it."""

    side: Side
    reason: Reason


def decide(route: Route, request: Request) -> SideDecision:
    """The first rule of the route's policy that applies. A force that names no side the route has is no force."""
    if request.force in route.sides:
        return SideDecision(Side(request.force), Reason.FORCED)
    if route.writes is not None and request.method not in SAFE_METHODS:
        return SideDecision(route.writes, Reason.METHOD)
    if (side := _matching(route.canary, request.canary)) is not None:
        return SideDecision(side, Reason.CANARY)
    if (side := _matching(route.cohorts, request.cohort)) is not None:
        return SideDecision(side, Reason.COHORT)
    if request.subject in route.users:
        return SideDecision(Side.NEW, Reason.USER)
    return _by_share(route, request.subject)


def _matching(rules: tuple[Match, ...], value: str | None) -> Side | None:
    return next((rule.side for rule in rules if rule.value == value), None)


def _by_share(route: Route, subject: str | None) -> SideDecision:
    if route.share_bp == WHOLE_BP:
        return SideDecision(Side.NEW, Reason.DEFAULT)
    if route.share_bp == 0:
        return SideDecision(Side.LEGACY, Reason.DEFAULT)
    if not subject:
        return SideDecision(Side.LEGACY, Reason.NO_SUBJECT)
    takes_new = takes_new_side(subject, seed=route.seed, share_bp=route.share_bp)
    return SideDecision(Side.NEW if takes_new else Side.LEGACY, Reason.SHARE)


def is_shadowed(route: Route, request: Request) -> bool:
    """Whether the request is also sent to the comparator: GETs of the first ``shadow_bp`` of the users, never one whose
    side was forced. At the whole also the GETs without a subject.
    """
    if request.method != "GET" or route.shadow_bp == 0 or decide(route, request).reason is Reason.FORCED:
        return False
    if route.shadow_bp == WHOLE_BP:
        return True
    return bool(request.subject) and takes_new_side(
        request.subject or "", seed=route.seed + SHADOW_SALT, share_bp=route.shadow_bp
    )


def takes_new_side(subject: str, *, seed: int, share_bp: int) -> bool:
    """Whether ``subject`` is among the first ``share_bp`` basis points (0-10000) of the route's population.

    Depends on the subject alone: raising the share only ever adds people. Envoy's `consistent_hashing` matcher
    computes the same value (tests/stack/test_envoy_agrees_with_the_rule.py).
    """
    return joins_at_bp(subject, seed=seed) <= share_bp


def joins_at_bp(subject: str, *, seed: int) -> int:
    """The lowest share (1-10000) that includes ``subject``."""
    return WHOLE_BP - xxh64_intdigest(subject.encode(), seed=seed) % WHOLE_BP
