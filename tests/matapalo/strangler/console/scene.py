"""A gateway for the console: real changes of a table in memory, and measurements, differences and plans as told.

`Gateway` holds the truth that the five ports show; a test changes it and looks at the console. What rollouts and
decommission were told is kept in ``log``.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import uvicorn
from fastapi import FastAPI

from matapalo.auth.verifier import FileKeys, TokenVerifier
from matapalo.process.clock import SystemClock
from matapalo.strangler.api import problems
from matapalo.strangler.console.login import codes_api
from matapalo.strangler.console.ports import (
    Command,
    Comparison,
    Evidence,
    FieldDifference,
    Finding,
    Intent,
    LegacyCaller,
    Point,
    Requirement,
    Rollout,
    RolloutState,
    Sample,
    Sources,
    Step,
    StepState,
    Watched,
    Window,
)
from matapalo.strangler.console.session import form_token
from matapalo.strangler.console.site import console_routes
from matapalo.strangler.console.sources import TableOfRoutes
from matapalo.strangler.errors import NotReady
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Audience, Route, Side
from matapalo.strangler.shadow.consistency import Standing
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.nodes import Nodes
from matapalo.strangler.store.routes import NodeReport
from matapalo.strangler.verdict import Outcome
from tests.harness.clock import FakeClock
from tests.harness.ports import free_port
from tests.harness.tokens import ISSUER, token
from tests.harness.waiting import eventually
from tests.matapalo.strangler.builders import KEYS
from tests.matapalo.strangler.fakes import FakeRouteStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SITE = "http://console.example"
UPSTREAMS = ("legacy", "orders", "products", "customers", "compare")
ROUTES = (
    Route(name="customers", prefix="/api/customers", new="customers", seed=1, share_bp=10_000, audience=Audience.OWNER),
    Route(name="orders", prefix="/api/orders", new="orders", seed=2, writes=Side.LEGACY, shadow_bp=1_000),
    Route(name="products", prefix="/api/products", new="products", seed=3),
)


def window(p95_ms: float, *, rate: float = 10.0, error_share: float = 0.0) -> Window:
    """A side whose p50 is a third and whose p99 is double its p95."""
    return Window(rate=rate, error_share=error_share, p50_ms=p95_ms / 3, p95_ms=p95_ms, p99_ms=p95_ms * 2)


def point(at: datetime = NOON, *, legacy: float = 182.0, new: float = 41.0, errors: float = 0.0) -> Point:
    """Both sides at a moment."""
    return Point(at, window(legacy, rate=15.2, error_share=0.004), window(new, rate=5.1, error_share=errors))


def a_comparison() -> Comparison:
    """1 500 pairs: an added field, a wrong total, a time stamp that is only noise."""
    legacy = {"id": "ord_1", "total": {"amount_minor": 4200, "currency": "EUR"}, "status": "SHIPPED"}
    new = {"id": "ord_1", "total": {"amount_minor": 4201, "currency": "EUR"}, "status": "SHIPPED", "channel": "web"}
    sample = Sample("GET /api/orders/ord_1", NOON, json.dumps(legacy, indent=2), json.dumps(new, indent=2))
    return Comparison(
        compared=1_500,
        dropped=2,
        same_share=0.968,
        fields=(
            FieldDifference(
                path="items[].total.amount_minor",
                kind="value",
                different=48,
                noise=0,
                standing=Standing.DIFFERENT,
                samples=(sample,),
            ),
            FieldDifference(
                path="channel", kind="added", different=1_500, noise=0, standing=Standing.DIFFERENT, samples=(sample,)
            ),
            FieldDifference(path="generated_at", kind="value", different=1_500, noise=1_500, standing=Standing.NOISE),
        ),
    )


def a_rollout(route: str = "orders") -> Rollout:
    """At its third step."""
    states = (StepState.DONE, StepState.DONE, StepState.CURRENT, StepState.NEXT, StepState.NEXT)
    lengths = ("for 1 day", "for 2 days", "for 4 days", "for 1 week", "to the end")
    shares = (100, 500, 2_500, 5_000, 10_000)
    steps = tuple(
        Step(
            share_bp=share,
            length=length,
            state=state,
            began=NOON - timedelta(days=3 - index) if state is not StepState.NEXT else None,
            verdict=Outcome.PASS if state is not StepState.NEXT else None,
        )
        for index, (share, length, state) in enumerate(zip(shares, lengths, states, strict=True))
    )
    return Rollout(
        route=route,
        state=RolloutState.RUNNING,
        because="step 3 of 5, until 2026-03-04 12:00 UTC",
        steps=steps,
        by="ops",
        allowed=(Command.HOLD, Command.ADVANCE, Command.ROLLBACK),
    )


class Gateway:
    """The truth behind the console."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = FakeRouteStore(RoutesDocument(1, ROUTES))
        self.changes = Changes(self.store, upstreams=UPSTREAMS, clock=self.clock)
        self.watched: dict[str, Watched] = {}
        self.points: list[Point] = []
        self.comparisons: dict[str, Comparison] = {}
        self.plans: dict[str, Rollout] = {}
        self.proofs: dict[str, Evidence] = {}
        self.log: list[tuple[str, Intent]] = []

    @classmethod
    async def busy(cls) -> "Gateway":
        """One with everything there is to show; the orders are at 25 %, version 4."""
        gateway = cls()
        for share_bp, why in ((100, "first users"), (500, "a quiet day"), (2_500, "step 3 of the plan")):
            gateway.clock.advance(300)
            await gateway.changes.set_route("orders", {"share_bp": share_bp}, by="ops", why=why)
        findings = (
            Finding("errors", Outcome.PASS, "new failed 4 of 1204 (0.33%), legacy 14 of 3611 (0.39%), p = 0.71"),
            Finding("latency", Outcome.PASS, "a request of new takes typically -41 ms (p50 14 ms, legacy 61 ms)"),
            Finding("consistency", Outcome.HOLD, "too little was compared to tell: 140 of 200 answers"),
        )
        gateway.watched["orders"] = Watched(
            point=point(errors=0.003), verdict=Outcome.HOLD, findings=findings, same_share=0.968
        )
        gateway.watched["customers"] = Watched(
            point=Point(NOON, Window(), window(12, rate=31)), verdict=Outcome.PASS, same_share=None
        )
        gateway.comparisons["orders"] = a_comparison()
        gateway.plans["orders"] = a_rollout()
        gateway.points = [point(NOON - timedelta(seconds=10 * back), errors=0.003) for back in range(60, -1, -1)]
        gateway.proofs["orders"] = evidence_against()
        gateway.proofs["customers"] = Evidence(
            is_ready=True, requirements=(Requirement(True, "no request reached legacy for 7 days"),)
        )
        return gateway

    async def nodes(self) -> Nodes:
        """One, which obeys."""
        version = (await self.changes.document()).version
        now = self.clock.now()
        return Nodes(version, [NodeReport(node="edge-1", version=version, is_live=True, at=now)], now)

    def sources(self) -> Sources:
        """The ports to it."""
        return Sources(
            TableOfRoutes(self.changes, self.nodes),
            _Watching(self),
            _Differences(self),
            _Rollouts(self),
            _Decommission(self),
        )

    def app(self, *, every_s: float = 0.01) -> FastAPI:
        """The control plane with nothing but the console."""
        verifier = TokenVerifier(FileKeys(KEYS.jwks), issuer=ISSUER, clock=SystemClock())
        codes = MemoryCodes()
        app = FastAPI()
        problems.install(app)
        app.include_router(codes_api(codes, verifier))
        app.router.routes.extend(
            console_routes(self.sources(), codes=codes, verifier=verifier, clock=self.clock, every_s=every_s)
        )
        return app

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """The address of the console on a free port, for a real browser."""
        port = free_port()
        config = uvicorn.Config(
            self.app(every_s=0.1), host="127.0.0.1", port=port, log_level="critical", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        await eventually(lambda: server.started, message="the console is served")
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        await serving

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[httpx.AsyncClient]:
        """Somebody without a session, who follows no redirect by himself."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app()), base_url=SITE) as http:
            yield http


def evidence_against() -> Evidence:
    """Two callers are still there."""
    callers = (
        LegacyCaller(client="pos", version="3.1.0", agent="pos/3.1 (kiosk)", count=1_204, last_seen=NOON),
        LegacyCaller(client="", version="", agent="curl/8.9", count=3, last_seen=NOON - timedelta(hours=5)),
    )
    requirements = (
        Requirement(False, "reads: the new side has 25 % of the users"),
        Requirement(False, "legacy was reached within 7 days by pos 3.1.0 (1204 requests, the last 4 seconds ago)"),
        Requirement(True, "0.02% of the compared answers differ; 0.10% are allowed"),
    )
    return Evidence(is_ready=False, requirements=requirements, callers=callers)


class _Watching:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def latest(self) -> Mapping[str, Watched]:
        await self._gateway.store.read()
        return dict(self._gateway.watched)

    async def series(self, route: str, *, minutes: int) -> Sequence[Point]:
        await self._gateway.store.read()
        return list(self._gateway.points) if route == "orders" else []


class _Differences:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def of(self, route: str) -> Comparison:
        await self._gateway.store.read()
        return self._gateway.comparisons.get(route, Comparison(compared=0, dropped=0, same_share=None))


class _Rollouts:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def latest(self) -> Mapping[str, Rollout]:
        return dict(self._gateway.plans)

    async def start(self, route: str, plan: str, intent: Intent) -> None:
        self._gateway.log.append((f"start {route}: {plan}", intent))
        self._gateway.plans[route] = a_rollout(route)

    async def tell(self, route: str, command: Command, intent: Intent) -> None:
        self._gateway.log.append((f"{command} {route}", intent))
        plan = self._gateway.plans[route]
        if command is Command.HOLD:
            state, allowed = RolloutState.HELD, (Command.RESUME, Command.ROLLBACK)
            self._gateway.plans[route] = msgspec.structs.replace(plan, state=state, allowed=allowed)


class _Decommission:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def evidence(self, route: str) -> Evidence:
        await self._gateway.store.read()
        nothing = Evidence(is_ready=False, requirements=(Requirement(False, "everybody is on legacy"),))
        return self._gateway.proofs.get(route, nothing)

    async def apply(self, route: str, intent: Intent) -> None:
        proof = await self.evidence(route)
        if not proof.is_ready:
            raise NotReady([requirement.because for requirement in proof.requirements if not requirement.is_met])
        self._gateway.log.append((f"decommission {route}", intent))


class MemoryCodes:
    """Single-use codes in memory; passes the suite of the real ones (test_codes.py)."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}

    async def mint(self, token: str) -> str:
        code = f"code-{len(self._tokens)}"
        self._tokens[code] = token
        return code

    async def exchange(self, code: str) -> str | None:
        return self._tokens.pop(code, None)


OPERATOR = token("ops", role="operator")
ORIGIN = {"origin": SITE}


async def sign_in(http: httpx.AsyncClient) -> None:
    """As the form of the sign-in page does it."""
    response = await http.post("/console/login", data={"operator_token": OPERATOR}, headers=ORIGIN)
    assert response.status_code == 303, response.text


async def send(http: httpx.AsyncClient, form: str, **fields: str) -> httpx.Response:
    """A plain form of the orders' page, with the token that the page put into it."""
    sent = {"token": form_token(OPERATOR), "reason": "a test", **fields}
    return await http.post(f"/console/routes/orders/{form}", data=sent, headers=ORIGIN)


async def send_by_script(http: httpx.AsyncClient, form: str, **fields: str) -> httpx.Response:
    """The same by the page's script."""
    headers = {**ORIGIN, "x-console-token": form_token(OPERATOR)}
    return await http.post(f"/console/routes/orders/{form}", data={"reason": "a test", **fields}, headers=headers)
