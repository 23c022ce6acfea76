"""Rollouts over HTTP; Temporal is played by a list of what it would have been told."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
import pytest_asyncio

from matapalo.strangler.errors import InvalidChange, RolloutConflict, RolloutNotFound, RolloutsUnavailable
from matapalo.strangler.rollout.messages import RolloutState, StartRollout, VerdictNote
from matapalo.strangler.rollout.plan import parse
from matapalo.strangler.rollout.progress import RolloutProgress
from tests.harness.tokens import bearer
from tests.matapalo.strangler.builders import a_document
from tests.matapalo.strangler.harness import Harness

OPERATOR = bearer("op_1", role="operator")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
START = StartRollout("orders", parse("5% for 1 day, 100%"), "op_1", "a quiet week", 1, 600, 3)


def a_view() -> RolloutState:
    progress = RolloutProgress(START, NOW)
    progress.enter(NOW, 2, "rollout:orders")
    progress.judge(VerdictNote("FAIL", "new failed 8 of 40 (20.00%), the ceiling is 5.00%", NOW))
    return progress.state


@pytest_asyncio.fixture
async def harness() -> Harness:
    harness = Harness(a_document())
    await harness.snapshots.save(a_view())
    return harness


@pytest_asyncio.fixture
async def http(harness: Harness) -> AsyncIterator[httpx.AsyncClient]:
    async with harness.client(OPERATOR) as http:
        yield http


async def test_a_plan_is_started_in_the_operators_name(harness: Harness, http: httpx.AsyncClient) -> None:
    body = {"route": "orders", "plan": "5% for 1 day, 100%", "why": "a quiet week", "check_every_s": 60}
    response = await http.post("/rollouts", json=body)
    assert response.status_code == 201
    assert response.json()["route"] == "orders"
    assert harness.rollouts.commands == [("orders", "5% for 1 day, 100%", "op_1", "a quiet week", 60, None)]


async def test_the_reasons_of_a_verdict_are_readable(harness: Harness, http: httpx.AsyncClient) -> None:
    rollout = (await http.get("/rollouts/orders")).json()
    assert rollout["verdict"]["because"] == "new failed 8 of 40 (20.00%), the ceiling is 5.00%"
    assert (rollout["phase"], rollout["step"], rollout["failures"]) == ("RUNNING", 0, 1)
    assert [event["kind"] for event in rollout["events"]] == ["started", "step", "verdict"]
    listed = (await http.get("/rollouts")).json()
    assert [view["route"] for view in listed["rollouts"]] == ["orders"]


@pytest.mark.parametrize("command", ["hold", "resume", "advance", "rollback"])
async def test_a_command_is_passed_on_with_its_reason(harness: Harness, http: httpx.AsyncClient, command: str) -> None:
    response = await http.post(f"/rollouts/orders/{command}", json={"why": "as agreed"})
    assert response.status_code == 200
    assert harness.rollouts.commands == [("orders", command, "op_1", "as agreed")]


@pytest.mark.parametrize(
    ("problem", "status", "slug"),
    [
        (InvalidChange("'soon' is no step", "'later' is no step"), 422, "invalid-change"),
        (RolloutConflict("it is held"), 409, "rollout-conflict"),
        (RolloutNotFound("no rollout"), 404, "not-found"),
        (RolloutsUnavailable("Temporal is away"), 503, "rollouts-unavailable"),
    ],
)
async def test_what_is_refused_is_a_problem(
    harness: Harness, http: httpx.AsyncClient, problem: Exception, status: int, slug: str
) -> None:
    harness.rollouts.problem = problem
    response = await http.post("/rollouts", json={"route": "orders", "plan": "soon, later", "why": "x"})
    assert (response.status_code, response.json()["type"]) == (status, f"/problems/{slug}")


async def test_a_command_needs_a_reason_and_has_to_exist(harness: Harness, http: httpx.AsyncClient) -> None:
    assert (await http.post("/rollouts/orders/hold", json={})).status_code == 422
    assert (await http.post("/rollouts/orders/stop", json={"why": "x"})).status_code == 422
    assert harness.rollouts.commands == []


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", ""), ("GET", "/orders"), ("POST", "/orders/hold")])
async def test_only_an_operator_gets_in(harness: Harness, http: httpx.AsyncClient, method: str, path: str) -> None:
    for headers, status in ((bearer(role="customer"), 403), ({"authorization": ""}, 401)):
        response = await http.request(method, f"/rollouts{path}", headers=headers, json={"why": "x"})
        assert response.status_code == status
