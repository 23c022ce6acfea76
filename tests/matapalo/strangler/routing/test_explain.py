"""A decision in words."""

import pytest

from matapalo.strangler.routing.decide import Request, decide, joins_at_bp, takes_new_side
from matapalo.strangler.routing.explain import explain
from matapalo.strangler.routing.route import Match, Side
from tests.matapalo.strangler.builders import a_route

USER = "cust_0001"
ROUTE = a_route(
    share_bp=2_500,
    writes=Side.LEGACY,
    canary=(Match(value="beta"), Match(value="old", side=Side.LEGACY)),
    cohorts=(Match(value="staff"),),
    users=("vip",),
)


@pytest.mark.parametrize(
    ("request_", "side", "sentence"),
    [
        (Request("GET", USER, force="new"), "new", "the caller asked for new"),
        (Request("POST", "vip"), "legacy", "POST is a write, and all writes of this route go to legacy"),
        (Request("GET", USER, canary="beta"), "new", "x-canary is 'beta', which has the new side"),
        (Request("GET", "vip", canary="old"), "legacy", "x-canary is 'old', which has the legacy side"),
        (Request("GET", USER, cohort="staff"), "new", "cohort 'staff' has the new side"),
        (Request("GET", "vip"), "new", "vip is one of the 1 users named for the new side"),
        (
            Request("GET", None),
            "legacy",
            "a request without a user stays on legacy until the share is 100 %, and it is 25 %",
        ),
    ],
)
def test_each_rule_has_its_sentence(request_, side, sentence):
    explanation = explain(ROUTE, request_)
    assert (explanation.side, explanation.sentence) == (side, sentence)
    assert (explanation.side, explanation.reason) == decide(ROUTE, request_)


def test_an_explanation_says_at_which_share_the_user_joins():
    joins = joins_at_bp(USER, seed=2)
    explanation = explain(ROUTE, Request("GET", USER))
    assert explanation.joins_at_bp == joins
    assert explanation.sentence == f"{USER} has the new side from {joins / 100:g} % on, and the share is 25 %"
    assert takes_new_side(USER, seed=2, share_bp=joins)
    assert not takes_new_side(USER, seed=2, share_bp=joins - 1)


def test_only_a_safe_request_without_a_force_falls_back():
    assert explain(ROUTE, Request("GET", "vip")).can_fall_back
    assert not explain(ROUTE, Request("GET", "vip", force="new")).can_fall_back
    assert not explain(ROUTE, Request("GET", None)).can_fall_back, "it is on legacy already"
    assert not explain(a_route(share_bp=10_000), Request("POST", "vip")).can_fall_back
    assert not explain(a_route(share_bp=10_000, fallback=False), Request("GET")).can_fall_back
