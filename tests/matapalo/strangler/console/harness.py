"""A console with something to show on every page, and an operator who uses it."""

from datetime import timedelta

import httpx

from matapalo.strangler.console.session import form_token
from matapalo.strangler.rollout.messages import RolloutPhase, RolloutState, StepEntry
from matapalo.strangler.rollout.plan import parse
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.hits import Hits, LegacyCaller
from matapalo.strangler.routing.route import Audience, Route, Side
from matapalo.strangler.shadow.findings import Sample
from tests.harness.tokens import token
from tests.matapalo.strangler.harness import SITE, Harness

ROUTES = (
    Route(name="customers", prefix="/api/customers", new="customers", seed=1, share_bp=10_000, audience=Audience.OWNER),
    Route(name="orders", prefix="/api/orders", new="orders", seed=2, writes=Side.LEGACY, shadow_bp=1_000),
    Route(name="products", prefix="/api/products", new="products", seed=3),
)
INTERVALS = 61
LEGACY_ORDER = {"id": "ord_1", "total": {"amount_minor": 4200, "currency": "EUR"}, "status": "SHIPPED"}
NEW_ORDER = {**LEGACY_ORDER, "total": {"amount_minor": 4201, "currency": "EUR"}, "channel": "web"}
ORDERS_TRAFFIC = {"l:ok": 250, "l:err": 1, "l:60": 125, "l:170": 126, "n:ok": 83, "n:14": 60, "n:41": 23}
CUSTOMERS_TRAFFIC = {"n:ok": 310, "n:12": 310}
PLAN = "1% for 1 day, 5% for 2 days, 25% for 4 days, 50% for 1 week, 100%"


def quiet_console() -> Harness:
    """Three routes that nothing has happened to."""
    harness = Harness(RoutesDocument(1, ROUTES))
    harness.report_node()
    return harness


async def busy_console() -> Harness:
    """The orders are at 25 %, version 4, in the third step of a plan, in use and compared; the customers are done."""
    harness = quiet_console()
    await harness.hits.begin(harness.clock.now() - timedelta(days=30))
    for share_bp, why in ((100, "first users"), (500, "a quiet day"), (2_500, "step 3 of the plan")):
        harness.clock.advance(300)
        await harness.services.changes.set_route("orders", {"share_bp": share_bp}, by="ops", why=why)
    await _compare(harness)
    for _ in range(INTERVALS):
        await harness.slices.add({"traffic:orders": ORDERS_TRAFFIC, "traffic:customers": CUSTOMERS_TRAFFIC})
        harness.clock.advance(10)
    await harness.snapshots.save(rollout(harness))
    await harness.hits.add({"orders": _callers(harness)})
    harness.report_node()
    return harness


async def _compare(harness: Harness) -> None:
    """1 500 pairs: an added field, a wrong total, a time stamp that is only noise; the last 60 of them just now."""
    findings = harness.services.findings
    past = {"compared": 1_440, "beyond": 46, "raw|$.items[*].total.amount_minor": 48, "raw|$.channel": 1_440}
    noise = {"raw|$.generated_at": 1_440, "noise|$.generated_at": 1_440}
    kinds = {"kind|value|$.items[*].total.amount_minor": 48, "kind|added|$.channel": 1_440}
    harness.clock.advance(-3_600)
    await findings.add("orders", {**past, **noise, **kinds})
    harness.clock.advance(3_600)
    await findings.add("orders", {"compared": 60, "beyond": 2, "dropped": 2})
    sample = Sample(at=harness.clock.now(), request="GET /api/orders/ord_1", legacy=LEGACY_ORDER, new=NEW_ORDER)
    await findings.add_sample("orders", ["$.items[*].total.amount_minor", "$.channel"], sample)


def rollout(harness: Harness) -> RolloutState:
    """At its third step, which began an hour ago."""
    began_at = harness.clock.now() - timedelta(hours=1)
    entered = tuple(StepEntry(began_at - timedelta(days=days), "PASS") for days in (3, 2, 0))
    return RolloutState(
        route="orders",
        phase=RolloutPhase.RUNNING,
        because="watching 25 %",
        plan=parse(PLAN),
        step=2,
        share_bp=2_500,
        by="ops",
        why="a quiet week",
        started_at=entered[0].at,
        check_every_s=600,
        failures=0,
        failures_allowed=3,
        entered=entered,
        due_at=began_at + timedelta(days=4),
    )


def _callers(harness: Harness) -> dict[LegacyCaller, Hits]:
    now_ms = round(harness.clock.now().timestamp() * 1000)
    hour_ms = 3_600_000
    return {
        LegacyCaller("pos", "3.1.0", "pos/3.1 (kiosk)"): Hits(1_204, now_ms - 50 * hour_ms, now_ms - 5 * hour_ms),
        LegacyCaller(agent="curl/8.9"): Hits(3, now_ms - 50 * hour_ms, now_ms - 49 * hour_ms),
    }


OPERATOR = token("ops", role="operator")
ORIGIN = {"origin": SITE}


async def sign_in(http: httpx.AsyncClient) -> None:
    """As the form of the sign-in page does it."""
    response = await http.post("/console/login", data={"operator_token": OPERATOR}, headers=ORIGIN)
    assert response.status_code == 303, response.text


async def send(http: httpx.AsyncClient, form: str, **fields: str) -> httpx.Response:
    """A plain form of the orders' page, with the token that the page put into it."""
    values = {"token": form_token(OPERATOR), "reason": "a test", **fields}
    return await http.post(f"/console/routes/orders/{form}", data=values, headers=ORIGIN)


async def send_by_script(http: httpx.AsyncClient, form: str, **fields: str) -> httpx.Response:
    """The same by the page's script."""
    headers = {**ORIGIN, "x-console-token": form_token(OPERATOR)}
    return await http.post(f"/console/routes/orders/{form}", data={"reason": "a test", **fields}, headers=headers)
