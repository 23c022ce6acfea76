"""A decision in words, for operators who ask why a user is on a side. Pure; says nothing that `decide` does not."""

from typing import NamedTuple

from matapalo.strangler.routing.decide import Reason, Request, SideDecision, decide, is_shadowed, joins_at_bp
from matapalo.strangler.routing.route import Route, Side
from matapalo.strangler.routing.share import format_share


class Explanation(NamedTuple):
    """The reason a request takes its side. ``joins_at_bp`` is the lowest share at which its user has the new side."""

    route: str
    side: Side
    reason: Reason
    sentence: str
    upstream: str
    joins_at_bp: int | None
    is_shadowed: bool
    can_fall_back: bool


def explain(route: Route, request: Request) -> Explanation:
    decision = decide(route, request)
    joins = joins_at_bp(request.subject, seed=route.seed) if request.subject else None
    return Explanation(
        route=route.name,
        side=decision.side,
        reason=decision.reason,
        sentence=_sentence(route, request, decision, joins),
        upstream=route.upstream(decision.side),
        joins_at_bp=joins,
        is_shadowed=is_shadowed(route, request),
        can_fall_back=falls_back(route, request, decision),
    )


def falls_back(route: Route, request: Request, decision: SideDecision) -> bool:
    """Whether the legacy side stands in when the new side fails this request; for a forced side no other stands in."""
    return (
        route.falls_back
        and decision.side is Side.NEW
        and decision.reason is not Reason.FORCED
        and request.method in ("GET", "HEAD")
    )


def _sentence(route: Route, request: Request, decision: SideDecision, joins: int | None) -> str:
    share, joined, side = format_share(route.share_bp), format_share(joins or 0), decision.side
    sentences = {
        Reason.FORCED: f"the caller asked for {side}",
        Reason.METHOD: f"{request.method} is a write, and all writes of this route go to {side}",
        Reason.CANARY: f"x-canary is {request.canary!r}, which has the {side} side",
        Reason.COHORT: f"cohort {request.cohort!r} has the {side} side",
        Reason.USER: f"{request.subject} is one of the {len(route.users)} users named for the new side",
        Reason.SHARE: f"{request.subject} has the new side from {joined} on, and the share is {share}",
        Reason.NO_SUBJECT: f"a request without a user stays on legacy until the share is 100 %, and it is {share}",
        Reason.DEFAULT: f"the share is {share}, so every user has the {side} side",
    }
    return sentences[decision.reason]
