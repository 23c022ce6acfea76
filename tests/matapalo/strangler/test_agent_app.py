"""The status pages of an agent: readiness, health, metrics."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from matapalo.strangler.agent.agent import Agent
from matapalo.strangler.agent.folder import EnvoyFolder
from matapalo.strangler.agent_app import agent_app, agent_gauges
from matapalo.strangler.routing.route import Side
from tests.matapalo.strangler.builders import KEYS, a_document, a_route, settings_in
from tests.matapalo.strangler.fakes import FakeEnvoy, FakeRouteStore, ImpatientClock


class AgentHarness:
    """An agent with its HTTP app."""

    def __init__(self, tmp_path: Path) -> None:
        registry = CollectorRegistry()
        self.store = FakeRouteStore(a_document(7, a_route(share_bp=2_500, writes=Side.NEW)))
        folder = EnvoyFolder(tmp_path / "envoy")
        self.envoy = FakeEnvoy(folder.path)
        self.agent = Agent(
            settings_in(tmp_path),
            KEYS,
            store=self.store,
            envoy=self.envoy.admin,
            folder=folder,
            clock=ImpatientClock(),
            on_change=agent_gauges(registry),
            poll_s=0.01,
        )
        transport = httpx.ASGITransport(agent_app(self.agent, registry))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://agent")

    async def gauge(self, name: str) -> float:
        text = (await self.http.get("/metrics")).text
        (line,) = (line for line in text.splitlines() if line.startswith(f"gateway_agent_{name} "))
        return float(line.split()[1])


@pytest_asyncio.fixture
async def harness(tmp_path: Path) -> AsyncIterator[AgentHarness]:
    agent = AgentHarness(tmp_path)
    async with agent.http:
        yield agent


async def test_an_agent_is_ready_when_its_files_are_written(harness: AgentHarness) -> None:
    before = await harness.http.get("/readyz")
    assert (before.status_code, before.json()["missing"]) == (503, {"files": "not written yet"})

    await harness.agent.begin()
    after = await harness.http.get("/readyz")
    assert (after.status_code, after.json()["ready"], after.json()["version"]) == (200, True, 7)
    assert (after.json()["is_live"], after.json()["envoy"]) == (
        False,
        "Envoy does not answer on admin.sock: it is down",
    )


async def test_an_agent_reports_what_is_live_in_envoy(harness: AgentHarness) -> None:
    harness.envoy.is_running = True
    await harness.agent.begin()
    report = (await harness.http.get("/readyz")).json()
    assert report["is_live"]
    assert report["live"] == report["written"]
    assert (await harness.gauge("applied_version"), await harness.gauge("is_live")) == (7, 1)


async def test_an_agent_reports_problems_and_stays_ready(harness: AgentHarness) -> None:
    await harness.agent.begin()
    harness.store.document = a_document(8, a_route(new="odrers"))
    await harness.agent.step()
    harness.store.is_down = True
    await harness.agent.step()
    response = await harness.http.get("/readyz")
    assert response.status_code == 200
    assert response.json()["store"] == "Redis does not answer: it is down"
    assert response.json()["rejected"]["version"] == 8
    assert (await harness.gauge("store_up"), await harness.gauge("rejected_version")) == (0, 8)


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
async def test_every_process_has_health_and_metrics(harness: AgentHarness, path: str) -> None:
    assert (await harness.http.get(path)).status_code == 200
