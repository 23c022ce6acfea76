"""Rollouts over HTTP; Temporal is played by a list of what was asked of it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from matapalo.auth.verifier import FileKeys, TokenVerifier
from matapalo.process.clock import SystemClock
from matapalo.strangler.api import problems
from matapalo.strangler.api.operators import operators_only
from matapalo.strangler.api.rollouts import rollouts_api
from matapalo.strangler.errors import InvalidChange, RolloutConflict, RolloutNotFound, RolloutsUnavailable
from matapalo.strangler.rollout.client import DEFAULT_PACE, Command, Pace, Rollouts
from matapalo.strangler.rollout.messages import RolloutState, StartRollout, VerdictNote
from matapalo.strangler.rollout.plan import parse
from matapalo.strangler.rollout.progress import Progress
from tests.harness.tokens import ISSUER, bearer
from tests.matapalo.strangler.builders import KEYS

OPERATOR = bearer("op_1", role="operator")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
START = StartRollout("orders", parse("5% for 1 day, 100%"), "op_1", "a quiet week", 1, 600, 3)


def a_view() -> RolloutState:
    progress = Progress(START, NOW)
    progress.enter(NOW, 2, "rollout:orders")
    progress.judge(VerdictNote("FAIL", "new failed 8 of 40 (20.00%), the ceiling is 5.00%", NOW))
    return progress.state


@dataclass
class FakeRollouts(Rollouts):
    """Remembers what it was told, or raises ``problem``."""

    told: list[tuple[object, ...]] = field(default_factory=list)
    problem: Exception | None = None

    async def start(
        self, name_or_path: str, plan: str, *, by: str, why: str, pace: Pace = DEFAULT_PACE
    ) -> RolloutState:
        return self._note(name_or_path, plan, by, why, *pace)

    async def send(self, route: str, command: Command, *, by: str, why: str) -> RolloutState:
        return self._note(route, command, by, why)

    async def latest(self) -> Mapping[str, RolloutState]:
        return {"orders": self._note("latest")}

    async def get(self, route: str) -> RolloutState:
        return self._note(route)

    def _note(self, *what: object) -> RolloutState:
        if self.problem is not None:
            raise self.problem
        self.told.append(what)
        return a_view()


@dataclass
class Scene:
    rollouts: FakeRollouts
    http: httpx.AsyncClient


@pytest_asyncio.fixture
async def scene() -> AsyncIterator[Scene]:
    rollouts = FakeRollouts()
    app = FastAPI()
    problems.install(app)
    verifier = TokenVerifier(FileKeys(KEYS.jwks), issuer=ISSUER, clock=SystemClock())
    app.include_router(rollouts_api(rollouts, operators_only(verifier)))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://control", headers=OPERATOR) as http:
        yield Scene(rollouts, http)


async def test_a_plan_is_started_in_the_operators_name(scene: Scene) -> None:
    body = {"route": "orders", "plan": "5% for 1 day, 100%", "why": "a quiet week", "check_every_s": 60}
    response = await scene.http.post("/admin/rollouts", json=body)
    assert response.status_code == 201
    assert response.json()["route"] == "orders"
    assert scene.rollouts.told == [("orders", "5% for 1 day, 100%", "op_1", "a quiet week", 60, None)]


async def test_the_reasons_of_a_verdict_are_readable(scene: Scene) -> None:
    shown = (await scene.http.get("/admin/rollouts/orders")).json()
    assert shown["verdict"]["because"] == "new failed 8 of 40 (20.00%), the ceiling is 5.00%"
    assert (shown["phase"], shown["step"], shown["failures"]) == ("RUNNING", 0, 1)
    assert [event["kind"] for event in shown["events"]] == ["started", "step", "verdict"]
    listed = (await scene.http.get("/admin/rollouts")).json()
    assert [view["route"] for view in listed["rollouts"]] == ["orders"]


@pytest.mark.parametrize("command", ["hold", "resume", "advance", "rollback"])
async def test_an_order_is_passed_on_with_its_reason(scene: Scene, command: str) -> None:
    response = await scene.http.post(f"/admin/rollouts/orders/{command}", json={"why": "as agreed"})
    assert response.status_code == 200
    assert scene.rollouts.told == [("orders", command, "op_1", "as agreed")]


@pytest.mark.parametrize(
    ("problem", "status", "slug"),
    [
        (InvalidChange("'soon' is no step", "'later' is no step"), 422, "invalid-change"),
        (RolloutConflict("it is held"), 409, "rollout-conflict"),
        (RolloutNotFound("no rollout"), 404, "not-found"),
        (RolloutsUnavailable("Temporal is away"), 503, "rollouts-unavailable"),
    ],
)
async def test_what_is_refused_is_a_problem(scene: Scene, problem: Exception, status: int, slug: str) -> None:
    scene.rollouts.problem = problem
    response = await scene.http.post("/admin/rollouts", json={"route": "orders", "plan": "soon, later", "why": "x"})
    assert (response.status_code, response.json()["type"]) == (status, f"/problems/{slug}")


async def test_an_order_needs_a_reason_and_has_to_exist(scene: Scene) -> None:
    assert (await scene.http.post("/admin/rollouts/orders/hold", json={})).status_code == 422
    assert (await scene.http.post("/admin/rollouts/orders/stop", json={"why": "x"})).status_code == 422
    assert scene.rollouts.told == []


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", ""), ("GET", "/orders"), ("POST", "/orders/hold")])
async def test_nobody_but_an_operator_gets_in(scene: Scene, method: str, path: str) -> None:
    for headers, status in ((bearer(role="customer"), 403), ({"authorization": ""}, 401)):
        response = await scene.http.request(method, f"/admin/rollouts{path}", headers=headers, json={"why": "x"})
        assert response.status_code == status
