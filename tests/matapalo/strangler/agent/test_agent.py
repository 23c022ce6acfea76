"""The agent: what it starts from, what it applies, and what it never does."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from matapalo.strangler.agent.agent import Agent
from matapalo.strangler.agent.folder import EnvoyFolder
from matapalo.strangler.errors import InvalidRoutes
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Side
from matapalo.strangler.store.changes import Changes
from tests.harness.shop import UPSTREAMS
from tests.matapalo.strangler.builders import KEYS, a_document, a_route, settings_in
from tests.matapalo.strangler.fakes import FakeEnvoy, FakeRouteStore, ImpatientClock

CHANGED = a_route(share_bp=5_000, writes=Side.LEGACY)
UNKNOWN = a_route(new="odrers")
ADDED = a_route("returns", new="orders", seed=99)
"""With it every file has other content."""


class AgentHarness:
    """An agent with a store, an Envoy and a folder; ``restart`` replaces the agent alone."""

    def __init__(self, tmp_path: Path, stored: RoutesDocument | None = None, **changes: Any) -> None:
        self.tmp_path, self.changes = tmp_path, changes
        self.store = FakeRouteStore(stored)
        self.folder = EnvoyFolder(tmp_path / "envoy")
        self.envoy = FakeEnvoy(self.folder.path)
        self.agent = self.restart()

    def restart(self) -> Agent:
        settings = settings_in(self.tmp_path, **self.changes)
        self.agent = Agent(
            settings,
            KEYS,
            store=self.store,
            envoy=self.envoy.admin,
            folder=self.folder,
            clock=ImpatientClock(),
            poll_s=0.01,
        )
        return self.agent

    @property
    def applied(self) -> RoutesDocument:
        assert self.agent.status.applied is not None
        return self.agent.status.applied

    def written(self, name: str = "rds.edge.json") -> str:
        return str(json.loads((self.folder.path / name).read_text())["version_info"])


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    return AgentHarness(tmp_path)


async def test_with_nothing_it_starts_from_the_routes_file(harness: AgentHarness) -> None:
    await harness.agent.begin()
    assert harness.agent.status.is_ready
    assert {route.name for route in harness.applied.routes} >= {"orders", "customers"}
    assert {file.name for file in harness.folder.path.iterdir()} == {
        *("bootstrap.yaml", "cds.json", "lds.json", "rds.edge.json", "rds.internal.json", "routes.json")
    }


async def test_an_empty_store_is_offered_what_was_applied(harness: AgentHarness) -> None:
    await harness.agent.begin()
    await harness.agent.step()
    assert harness.store.document == harness.applied


async def test_the_store_s_document_comes_before_the_routes_file(tmp_path: Path) -> None:
    harness = AgentHarness(tmp_path, stored=a_document(7, CHANGED))
    await harness.agent.begin()
    assert harness.applied == a_document(7, CHANGED)
    assert harness.written().startswith("7-")


async def test_without_redis_it_starts_from_what_it_applied_last(tmp_path: Path) -> None:
    harness = AgentHarness(tmp_path, stored=a_document(7, CHANGED))
    await harness.agent.begin()
    harness.store.is_down = True
    await harness.restart().begin()
    assert harness.applied == a_document(7, CHANGED)
    assert harness.agent.status.store_problem == "Redis does not answer: it is down"


async def test_a_change_in_the_store_is_written(harness: AgentHarness) -> None:
    await harness.agent.begin()
    await harness.agent.step()
    await harness.store.replace(a_document(2, CHANGED))
    await harness.agent.step()
    assert harness.applied == a_document(2, CHANGED)
    assert harness.written().startswith("2-")


async def test_an_emptied_store_is_filled_again_and_never_applied(tmp_path: Path) -> None:
    harness = AgentHarness(tmp_path, stored=a_document(7, CHANGED))
    await harness.agent.begin()
    harness.store.document = None
    await harness.agent.step()
    assert harness.store.document == harness.applied == a_document(7, CHANGED)


async def test_an_older_document_is_never_applied(tmp_path: Path) -> None:
    harness = AgentHarness(tmp_path, stored=a_document(7, CHANGED))
    await harness.agent.begin()
    harness.store.document = a_document(3)
    await harness.agent.step()
    assert harness.store.document == harness.applied == a_document(7, CHANGED)


async def test_a_bad_document_is_reported_and_the_good_one_stays(harness: AgentHarness) -> None:
    await harness.agent.begin()
    before, files = harness.applied, harness.written()
    harness.store.document = a_document(2, UNKNOWN)
    await harness.agent.step()
    assert (harness.applied, harness.written()) == (before, files)
    assert harness.agent.status.rejected_version == 2
    assert "new is 'odrers', which is no upstream" in harness.agent.status.rejected_because[0]

    await harness.store.replace(a_document(3, CHANGED))
    await harness.agent.step()
    assert harness.applied == a_document(3, CHANGED)
    assert harness.agent.status.rejected_version is None


async def test_a_restart_with_a_bad_stored_document_keeps_the_good_one(tmp_path: Path) -> None:
    harness = AgentHarness(tmp_path, stored=a_document(7, CHANGED))
    await harness.agent.begin()
    harness.store.document = a_document(8, UNKNOWN)
    await harness.restart().begin()
    assert harness.applied == a_document(7, CHANGED)
    assert harness.agent.status.rejected_version == 8


async def test_an_outage_of_redis_changes_nothing_but_the_report(tmp_path: Path) -> None:
    harness = AgentHarness(tmp_path, stored=a_document(7, CHANGED))
    await harness.agent.begin()
    harness.store.is_down = True
    await harness.agent.step()
    assert harness.agent.status.store_problem
    assert harness.applied == a_document(7, CHANGED)
    harness.store.is_down = False
    await harness.agent.step()
    assert harness.agent.status.store_problem is None


async def test_without_a_usable_routes_file_it_says_so(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[orders]\n")
    with pytest.raises(InvalidRoutes, match=r"broken\.toml: route 'orders': Object missing required field"):
        await AgentHarness(tmp_path, routes_file=broken).agent.begin()
    with pytest.raises(InvalidRoutes, match=r"GATEWAY_ROUTES_FILE '.*/none\.toml' cannot be read: No such file"):
        await AgentHarness(tmp_path, routes_file=tmp_path / "none.toml").agent.begin()


async def test_what_is_live_is_read_back_from_envoy(harness: AgentHarness) -> None:
    await harness.agent.begin()
    assert harness.agent.status.is_ready
    assert not harness.agent.status.is_live
    assert harness.agent.status.envoy_problem == "Envoy does not answer on admin.sock: it is down"

    harness.envoy.is_running = True
    await harness.agent.step()
    assert harness.agent.status.is_live
    assert harness.agent.status.live == harness.agent.status.written
    assert harness.agent.status.envoy_problem is None


@pytest.mark.parametrize("refused", ["cds.json", "rds.edge.json", "rds.internal.json"])
async def test_what_envoy_refuses_is_reverted(harness: AgentHarness, refused: str) -> None:
    harness.envoy.is_running = True
    await harness.agent.begin()
    before = {file.name: file.read_text() for file in harness.folder.path.iterdir()}

    harness.envoy.refuses = {refused}
    await harness.agent.step()
    await harness.store.replace(a_document(2, CHANGED, ADDED))
    await harness.agent.step()
    assert {file.name: file.read_text() for file in harness.folder.path.iterdir()} == before
    assert f"Envoy did not take {refused} version 2-" in harness.agent.status.rejected_because[0]

    harness.envoy.refuses = set()
    await harness.agent.step()
    assert harness.applied == a_document(2, CHANGED, ADDED)
    assert harness.agent.status.is_live


async def test_routes_wait_for_their_clusters(harness: AgentHarness) -> None:
    harness.envoy.is_running = True
    await harness.agent.begin()
    before = harness.written()
    harness.envoy.refuses = {"cds.json"}
    harness.store.document = a_document(2, CHANGED, ADDED)
    await harness.agent.step()
    assert harness.written() == before


async def test_a_file_with_the_same_content_is_left_alone(harness: AgentHarness) -> None:
    harness.envoy.is_running = True
    await harness.agent.begin()
    await harness.agent.step()
    before = harness.folder.path.joinpath("cds.json").stat()
    await harness.store.replace(
        harness.applied.with_route(structs.replace(harness.applied.route("orders"), share_bp=1))
    )
    await harness.agent.step()
    assert harness.folder.path.joinpath("cds.json").stat() == before
    assert harness.written().startswith("2-")
    assert harness.agent.status.is_live


async def test_an_agent_reports_what_is_live_in_its_envoy(harness: AgentHarness) -> None:
    harness.envoy.is_running = True
    await harness.agent.begin()
    await harness.agent.step()
    (report,) = await harness.store.reports()
    assert (report.node, report.version, report.is_live, report.problem) == ("edge-1", 1, True, None)

    harness.store.document = a_document(2, UNKNOWN)
    await harness.agent.step()
    (report,) = await harness.store.reports()
    assert (report.version, report.rejected_version) == (1, 2)
    assert "'odrers', which is no upstream" in (report.problem or "")


async def test_an_emptied_store_gets_its_history_back(tmp_path: Path) -> None:
    harness = AgentHarness(tmp_path, stored=a_document(7))
    await harness.agent.begin()
    changes = Changes(harness.store, upstreams=UPSTREAMS, clock=ImpatientClock())
    for share_bp in (100, 200):
        await changes.set_route("orders", {"share_bp": share_bp, "writes": "legacy"}, by="op_1", why="a test")
    await harness.agent.step()
    await harness.agent.step()
    before = await harness.store.history()

    harness.store.document, harness.store.changes = None, []
    await harness.restart().begin()
    await harness.agent.step()
    assert await harness.store.history() == before
    assert [change.version for change in before] == [9, 8]
    assert (await changes.rollback("orders", by="op_1", why="back")).after.share_bp == 100
