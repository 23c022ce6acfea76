"""Which side a request takes, and why: the rule in Python, computed by Envoy on the path of every request.

Envoy's tables are rendered from the same routes by `gateway.dataplane.policy`;
tests/stack/test_envoy_agrees_with_the_rule.py holds the two equal. Used to explain and to test, never to route.
"""

from enum import StrEnum
from typing import NamedTuple

from xxhash import xxh64_intdigest

from gateway.routing.route import SAFE_METHODS, WHOLE_BP, Route, Side


class Reason(StrEnum):
    """The rule that decided."""

    FORCED = "forced"
    METHOD = "method"
    SHARE = "share"
    NO_SUBJECT = "no-subject"
    DEFAULT = "default"


class Request(NamedTuple):
    """What a decision depends on. ``force`` is what a trusted caller asked for; ``subject`` is the user's id."""

    method: str
    subject: str | None = None
    force: str | None = None


class Decision(NamedTuple):
    """A side, and the rule that chose it."""

    side: Side
    reason: Reason


def decide(route: Route, request: Request) -> Decision:
    """The first rule of the route's policy that applies. A force that names no side is no force."""
    if request.force in (Side.NEW, Side.LEGACY):
        return Decision(Side(request.force), Reason.FORCED)
    if route.writes is not None and request.method not in SAFE_METHODS:
        return Decision(route.writes, Reason.METHOD)
    if route.share_bp == WHOLE_BP:
        return Decision(Side.NEW, Reason.DEFAULT)
    if route.share_bp == 0:
        return Decision(Side.LEGACY, Reason.DEFAULT)
    if not request.subject:
        return Decision(Side.LEGACY, Reason.NO_SUBJECT)
    takes_new = takes_new_side(request.subject, seed=route.seed, share_bp=route.share_bp)
    return Decision(Side.NEW if takes_new else Side.LEGACY, Reason.SHARE)


def takes_new_side(subject: str, *, seed: int, share_bp: int) -> bool:
    """Whether ``subject`` is among the first ``share_bp`` basis points (0-10000) of the route's population.

    Depends on the subject alone: raising the share only ever adds people. Envoy's `consistent_hashing` matcher
    computes the same value (tests/stack/test_envoy_agrees_with_the_rule.py).
    """
    return xxh64_intdigest(subject.encode(), seed=seed) % WHOLE_BP >= WHOLE_BP - share_bp
