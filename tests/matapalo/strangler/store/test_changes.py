"""Changing the table: what is written, what is refused, and what the history says of it."""

import asyncio

import pytest

from matapalo.strangler.errors import InvalidChange, PreconditionFailed, RedisUnavailable, RouteNotFound
from matapalo.strangler.routing.change import Action
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Match, Side
from matapalo.strangler.store.changes import Changes
from tests.matapalo.strangler.builders import a_document, a_route
from tests.matapalo.strangler.fakes import FakeRouteStore, ImpatientClock

UPSTREAMS = ("legacy", "orders", "customers")
ORDERS = a_route(share_bp=100, writes=Side.LEGACY)
WHO = {"by": "op_1", "why": "a test"}


@pytest.fixture
def store() -> FakeRouteStore:
    return FakeRouteStore(a_document(7, ORDERS, a_route("customers", seed=3)))


@pytest.fixture
def changes(store: FakeRouteStore) -> Changes:
    return Changes(store, upstreams=UPSTREAMS, clock=ImpatientClock())


def stored(store: FakeRouteStore) -> RoutesDocument:
    assert store.document is not None
    return store.document


async def test_a_change_alters_its_fields_and_leaves_the_rest(store, changes):
    change = await changes.set_route("/api/orders", {"share_bp": 4_000}, **WHO, evidence={"gate": "PASS"})
    assert stored(store).route("orders") == a_route(share_bp=4_000, writes=Side.LEGACY)
    assert stored(store).revision("orders") == change.version == 8
    assert (change.action, change.before, change.after) == (Action.SET, ORDERS, stored(store).route("orders"))
    assert (change.by, change.why, change.evidence) == ("op_1", "a test", {"gate": "PASS"})
    assert await changes.history("orders") == [change]


async def test_fields_may_come_as_json(store, changes):
    fields = {"writes": "new", "canary": [{"value": "beta"}], "users": ["vip"]}
    change = await changes.set_route("orders", fields, **WHO)
    assert change.after == a_route(share_bp=100, writes=Side.NEW, canary=(Match(value="beta"),), users=("vip",))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"seed": 9}, "seed of a route cannot be changed"),
        ({"retired": True}, "retired of a route cannot be changed"),
        ({"shares": 9}, "a route has no 'shares': its fields are new, legacy, share_bp"),
        ({"share_bp": "9"}, r"route 'orders': Expected `int`, got `str` - at `\$.share_bp`"),
        ({"share_bp": 10_001}, "share_bp is 10001: give basis points from 0"),
        ({"writes": None}, "at 1 % writes would be split"),
        ({"share_bp": 100}, "already like this: nothing would change"),
        ({"new": "odrers"}, "new is 'odrers', which is no upstream"),
    ],
)
async def test_a_change_that_breaks_a_rule_changes_nothing(store, changes, fields, sentence):
    before = stored(store)
    with pytest.raises(InvalidChange, match=sentence):
        await changes.set_route("orders", fields, **WHO)
    assert stored(store) == before
    assert await changes.history() == []


async def test_a_change_says_why(changes):
    for why in ("", "  ", "x" * 501):
        with pytest.raises(InvalidChange, match="say why"):
            await changes.set_route("orders", {"share_bp": 1}, by="op_1", why=why)


async def test_an_unknown_route_is_not_found(changes):
    with pytest.raises(RouteNotFound, match="the routes are orders, customers"):
        await changes.set_route("/api/odrers", {"share_bp": 1}, **WHO)


async def test_a_change_made_from_an_older_revision_is_refused(changes):
    first = await changes.set_route("orders", {"share_bp": 200}, **WHO, expected=1)
    with pytest.raises(PreconditionFailed, match="changed at version 8, and you saw it at 1"):
        await changes.set_route("orders", {"share_bp": 300}, **WHO, expected=1)
    await changes.set_route("customers", {"share_bp": 10_000}, **WHO, expected=1)
    await changes.set_route("orders", {"share_bp": 300}, **WHO, expected=first.version)


async def test_changes_of_different_routes_at_once_all_succeed(store, changes):
    await asyncio.gather(
        changes.set_route("orders", {"share_bp": 200}, **WHO, expected=1),
        changes.set_route("customers", {"share_bp": 10_000}, **WHO, expected=1),
    )
    assert stored(store).version == 9
    assert [route.share_bp for route in stored(store).routes] == [200, 10_000]


async def test_completing_moves_everything_to_the_new_side(store, changes):
    rules = {
        "canary": [{"value": "old", "side": "legacy"}, {"value": "beta", "side": "new"}],
        "cohorts": [{"value": "slow", "side": "legacy"}],
    }
    before = (await changes.set_route("orders", rules, **WHO)).after
    after = (await changes.complete("orders", **WHO)).after
    assert (after.share_bp, after.writes, after.fallback, after.cohorts) == (10_000, Side.NEW, False, ())
    assert after.canary == (Match(value="beta"),)
    assert (await changes.rollback("orders", **WHO)).after == before


async def test_a_rollback_restores_the_version_before_and_says_which(changes):
    await changes.set_route("orders", {"share_bp": 200}, **WHO)
    await changes.set_route("customers", {"share_bp": 10_000}, **WHO)
    await changes.set_route("orders", {"share_bp": 300}, **WHO)
    change = await changes.rollback("/api/orders", **WHO)
    assert (change.after.share_bp, change.restores, change.version) == (200, 8, 11)
    assert [entry.version for entry in await changes.history("orders")] == [11, 10, 8]
    assert (await changes.rollback("orders", **WHO, to=1)).after == ORDERS


async def test_nothing_can_be_rolled_back_that_was_never_changed(changes):
    with pytest.raises(InvalidChange, match="no change to roll back"):
        await changes.rollback("orders", **WHO)


async def test_a_retired_route_is_changed_by_nothing_but_a_rollback(changes):
    completed = await changes.complete("orders", **WHO)
    retired = await changes.retire("orders", **WHO, evidence={}, expected=completed.version)
    assert retired.after.retired
    with pytest.raises(InvalidChange, match="is retired and has no other side"):
        await changes.set_route("orders", {"share_bp": 0}, **WHO)
    assert not (await changes.rollback("orders", **WHO)).after.retired


async def test_an_empty_store_is_no_table(store, changes):
    store.document = None
    with pytest.raises(RedisUnavailable, match="an agent brings them"):
        await changes.set_route("orders", {"share_bp": 1}, **WHO)
