"""The stream of an open page."""

import json
from collections.abc import AsyncIterator
from typing import Any, cast

from matapalo.strangler.caller import Caller, TokenVerifier
from matapalo.strangler.console.content import Page, PageKind
from matapalo.strangler.console.snapshot import Reader
from matapalo.strangler.console.stream import stream
from matapalo.strangler.errors import Unauthenticated
from tests.harness.tokens import tokens
from tests.matapalo.strangler.console.harness import INTERVALS, OPERATOR, ORDERS_TRAFFIC
from tests.matapalo.strangler.harness import Harness

ORDERS = Page(PageKind.ROUTE, "orders")


class Verifier(TokenVerifier):
    """Knows the operator's token until it is withdrawn."""

    def __init__(self) -> None:
        super().__init__(tokens())
        self.is_withdrawn = False

    async def verify(self, authorization: str | None) -> Caller:
        if self.is_withdrawn:
            raise Unauthenticated("the token has expired")
        return await super().verify(authorization)


class Listener:
    """Reads events one by one; before each the clock moves, so that everything is read anew, and the agent reports."""

    def __init__(self, harness: Harness, page: Page, *, step_s: float = 4) -> None:
        self.verifier = Verifier()
        self._step_s = step_s
        self._harness = harness
        response = stream(page, OPERATOR, reader=Reader(harness.services), verifier=self.verifier, every_s=0)
        self.events = cast("AsyncIterator[bytes]", response.body_iterator)

    async def next(self) -> tuple[str, Any]:
        self._harness.clock.advance(self._step_s)
        self._harness.report_node()
        name, data = (await anext(self.events)).decode().strip().split("\n")
        return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    async def tick(self) -> Any:
        name, data = await self.next()
        return data if name == "tick" else await self.tick()


async def test_the_first_tick_has_every_value_and_later_ones_changes(harness: Harness) -> None:
    listener = Listener(harness, ORDERS)
    first = await listener.tick()
    assert first["cells"]["texts"]["orders/p95-new"] == "42"
    assert first["cells"]["widths"]["orders/split"] == "25%"

    await harness.slices.add({"traffic:orders": {"n:err": 1_000}})
    second = (await listener.tick())["cells"]
    assert second["texts"]["orders/verdict"] == "✗ FAIL"
    assert second["texts"]["all/failing"] == "1"
    assert second["kinds"] == {"orders/verdict": "fail", "orders/errors-new": "fail", "all/failing": "fail"}
    assert "orders/share" not in second["texts"]
    assert not [cell for cell in second["texts"] if cell.startswith("products/")]


async def test_a_regions_revision_changes_with_what_it_shows(harness: Harness) -> None:
    listener = Listener(harness, ORDERS)
    before = (await listener.tick())["revisions"]
    assert (await listener.tick())["revisions"] == before
    await harness.services.changes.set_route("orders", {"users": ["cust_1"]}, by="ops", why="a test")
    after = (await listener.tick())["revisions"]
    assert {name for name in after if after[name] != before[name]} == {"route", "history"}


async def test_the_charts_get_the_whole_range_with_its_changes(harness: Harness) -> None:
    listener = Listener(harness, ORDERS, step_s=2.1)
    await listener.tick()
    name, series = await listener.next()
    assert (name, len(series["columns"]), len(series["columns"][0])) == ("series", 9, INTERVALS)
    assert [words for _, words in series["marks"]] == ["1\u202f%", "5\u202f%", "25\u202f%"]
    assert (await listener.next())[0] == "tick"
    assert (await listener.next())[0] == "tick", "an unchanged series is not sent again"
    await harness.slices.add({"traffic:orders": ORDERS_TRAFFIC})
    harness.clock.advance(10)
    assert [(await listener.next())[0] for _ in range(2)] == ["tick", "series"]


async def test_the_tables_page_gets_no_series(harness: Harness) -> None:
    listener = Listener(harness, Page(PageKind.ROUTES))
    assert [(await listener.next())[0] for _ in range(3)] == ["tick"] * 3


async def test_a_stream_says_that_the_store_is_away_and_goes_on(harness: Harness) -> None:
    listener = Listener(harness, ORDERS)
    await listener.tick()
    harness.store.is_down = True
    assert (await listener.tick())["problems"] == ["Redis does not answer: it is down"]
    harness.store.is_down = False
    assert (await listener.tick())["problems"] == []


async def test_a_stream_does_not_outlive_its_operators_token(harness: Harness) -> None:
    listener = Listener(harness, Page(PageKind.ROUTES))
    await listener.tick()
    listener.verifier.is_withdrawn = True
    assert [event async for event in listener.events] == []
