"""The stream of an open page."""

import json
from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec

from matapalo.auth.verifier import Caller, FileKeys, TokenVerifier
from matapalo.process.clock import SystemClock
from matapalo.strangler.console.snapshot import Reader
from matapalo.strangler.console.stream import stream
from matapalo.strangler.console.views import Kind, View
from matapalo.strangler.errors import Unauthenticated
from matapalo.strangler.verdict import Outcome
from tests.harness.tokens import ISSUER
from tests.matapalo.strangler.builders import KEYS
from tests.matapalo.strangler.console.scene import OPERATOR, Gateway, point

ORDERS = View(Kind.ROUTE, "orders")


class Verifier(TokenVerifier):
    """Knows the operator's token until it is withdrawn."""

    def __init__(self) -> None:
        super().__init__(FileKeys(KEYS.jwks), issuer=ISSUER, clock=SystemClock())
        self.is_withdrawn = False

    async def verify(self, authorization: str | None) -> Caller:
        if self.is_withdrawn:
            raise Unauthenticated("the token has expired")
        return await super().verify(authorization)


class Listener:
    """Reads events one by one; before each the gateway's clock moves, so that everything is read anew."""

    def __init__(self, gateway: Gateway, view: View) -> None:
        self.verifier = Verifier()
        self._gateway = gateway
        reader = Reader(gateway.sources(), gateway.clock)
        response = stream(view, OPERATOR, reader=reader, verifier=self.verifier, every_s=0)
        self._events = cast("AsyncIterator[bytes]", response.body_iterator)

    async def next(self) -> tuple[str, Any]:
        self._gateway.clock.advance(10)
        name, data = (await anext(self._events)).decode().strip().split("\n")
        return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    async def tick(self) -> Any:
        name, data = await self.next()
        return data if name == "tick" else await self.tick()


async def test_the_first_tick_has_every_figure_and_later_ones_what_changed(gateway: Gateway) -> None:
    listener = Listener(gateway, ORDERS)
    first = await listener.tick()
    assert first["cells"]["texts"]["orders/p95-new"] == "41"
    assert first["cells"]["widths"]["orders/split"] == "25%"

    gateway.watched["orders"] = msgspec.structs.replace(
        gateway.watched["orders"], point=point(new=55.0, errors=0.003), verdict=Outcome.FAIL
    )
    second = await listener.tick()
    assert second["cells"] == {
        "texts": {"orders/p95-new": "55", "orders/verdict": "✗ FAIL", "all/failing": "1"},
        "kinds": {"orders/verdict": "fail", "all/failing": "fail"},
        "widths": {},
    }


async def test_a_region_has_another_revision_exactly_when_what_it_shows_is_other(gateway: Gateway) -> None:
    listener = Listener(gateway, ORDERS)
    before = (await listener.tick())["revisions"]
    assert (await listener.tick())["revisions"] == before
    await gateway.changes.set_route("orders", {"share_bp": 4_000}, by="ops", why="a test")
    after = (await listener.tick())["revisions"]
    assert {name for name in after if after[name] != before[name]} == {"route", "history"}


async def test_the_charts_get_the_whole_range_with_the_changes_in_it(gateway: Gateway) -> None:
    listener = Listener(gateway, ORDERS)
    await listener.tick()
    name, series = await listener.next()
    assert (name, len(series["columns"]), len(series["columns"][0])) == ("series", 9, 61)
    assert [words for _, words in series["marks"]] == ["1\u202f%", "5\u202f%", "25\u202f%"]
    assert (await listener.next())[0] == "tick"
    assert (await listener.next())[0] == "tick", "an unchanged series is not sent again"
    gateway.points.append(point(gateway.clock.now()))
    assert [(await listener.next())[0] for _ in range(2)] == ["tick", "series"]


async def test_the_tables_page_gets_no_series(gateway: Gateway) -> None:
    listener = Listener(gateway, View(Kind.ROUTES))
    assert [(await listener.next())[0] for _ in range(3)] == ["tick"] * 3


async def test_a_store_that_is_away_is_told_and_the_stream_goes_on(gateway: Gateway) -> None:
    listener = Listener(gateway, ORDERS)
    await listener.tick()
    gateway.store.is_down = True
    assert (await listener.tick())["problems"] == ["Redis does not answer: it is down"]
    gateway.store.is_down = False
    assert (await listener.tick())["problems"] == []


async def test_a_stream_does_not_outlive_its_operators_token(gateway: Gateway) -> None:
    listener = Listener(gateway, View(Kind.ROUTES))
    await listener.tick()
    listener.verifier.is_withdrawn = True
    assert [event async for event in listener._events] == []


async def test_many_tabs_ask_the_sources_once(gateway: Gateway) -> None:
    asked = 0
    read = gateway.store.read

    async def counting() -> Any:
        nonlocal asked
        asked += 1
        return await read()

    gateway.store.read = counting  # type: ignore[method-assign]
    reader = Reader(gateway.sources(), gateway.clock)
    await reader.snapshot()
    once = asked
    for _ in range(20):
        await reader.snapshot()
    assert asked == once
