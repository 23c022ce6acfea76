"""The agent: what it starts from, what it obeys, and what it never does."""

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
from matapalo.strangler.settings import DEFAULT_UPSTREAMS
from matapalo.strangler.store.changes import Changes
from tests.matapalo.strangler.builders import KEYS, a_document, a_route, settings_in
from tests.matapalo.strangler.fakes import FakeEnvoy, FakeStore, ImpatientClock

CHANGED = a_route(share_bp=5_000, writes=Side.LEGACY)
UNKNOWN = a_route(new="odrers")
ADDED = a_route("returns", new="orders", seed=99)
"""With it every file says something else."""


class Scene:
    """An agent, its store, its Envoy and its folder; ``again`` is the same machine after a restart."""

    def __init__(self, tmp_path: Path, stored: RoutesDocument | None = None, **changes: Any) -> None:
        self.tmp_path, self.changes = tmp_path, changes
        self.store = FakeStore(stored)
        self.folder = EnvoyFolder(tmp_path / "envoy")
        self.envoy = FakeEnvoy(self.folder.path)
        self.agent = self.again()

    def again(self) -> Agent:
        settings = settings_in(self.tmp_path, **self.changes)
        self.agent = Agent(
            settings,
            KEYS,
            store=self.store,
            envoy=self.envoy,
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
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_with_nothing_it_starts_from_the_routes_file(scene: Scene) -> None:
    await scene.agent.begin()
    assert scene.agent.status.is_ready
    assert {route.name for route in scene.applied.routes} >= {"orders", "customers"}
    assert {file.name for file in scene.folder.path.iterdir()} == {
        *("bootstrap.yaml", "cds.json", "lds.json", "rds.edge.json", "rds.internal.json", "routes.json")
    }


async def test_an_empty_store_is_given_what_was_applied(scene: Scene) -> None:
    await scene.agent.begin()
    await scene.agent.step()
    assert scene.store.document == scene.applied


async def test_the_store_s_document_comes_before_the_routes_file(tmp_path: Path) -> None:
    scene = Scene(tmp_path, stored=a_document(7, CHANGED))
    await scene.agent.begin()
    assert scene.applied == a_document(7, CHANGED)
    assert scene.written().startswith("7-")


async def test_without_redis_it_starts_from_what_it_applied_last(tmp_path: Path) -> None:
    scene = Scene(tmp_path, stored=a_document(7, CHANGED))
    await scene.agent.begin()
    scene.store.is_down = True
    await scene.again().begin()
    assert scene.applied == a_document(7, CHANGED)
    assert scene.agent.status.store_problem == "Redis does not answer: it is down"


async def test_a_change_in_the_store_is_written(scene: Scene) -> None:
    await scene.agent.begin()
    await scene.agent.step()
    await scene.store.replace(a_document(2, CHANGED))
    await scene.agent.step()
    assert scene.applied == a_document(2, CHANGED)
    assert scene.written().startswith("2-")


async def test_an_emptied_store_is_filled_again_and_never_obeyed(tmp_path: Path) -> None:
    scene = Scene(tmp_path, stored=a_document(7, CHANGED))
    await scene.agent.begin()
    scene.store.document = None
    await scene.agent.step()
    assert scene.store.document == scene.applied == a_document(7, CHANGED)


async def test_an_older_document_is_never_obeyed(tmp_path: Path) -> None:
    scene = Scene(tmp_path, stored=a_document(7, CHANGED))
    await scene.agent.begin()
    scene.store.document = a_document(3)
    await scene.agent.step()
    assert scene.store.document == scene.applied == a_document(7, CHANGED)


async def test_a_bad_document_is_reported_and_the_good_one_stays(scene: Scene) -> None:
    await scene.agent.begin()
    before, files = scene.applied, scene.written()
    scene.store.document = a_document(2, UNKNOWN)
    await scene.agent.step()
    assert (scene.applied, scene.written()) == (before, files)
    assert scene.agent.status.rejected_version == 2
    assert "new is 'odrers', which is no upstream" in scene.agent.status.rejected_because[0]

    await scene.store.replace(a_document(3, CHANGED))
    await scene.agent.step()
    assert scene.applied == a_document(3, CHANGED)
    assert scene.agent.status.rejected_version is None


async def test_a_restart_with_a_bad_document_in_the_store_keeps_the_good_one(tmp_path: Path) -> None:
    scene = Scene(tmp_path, stored=a_document(7, CHANGED))
    await scene.agent.begin()
    scene.store.document = a_document(8, UNKNOWN)
    await scene.again().begin()
    assert scene.applied == a_document(7, CHANGED)
    assert scene.agent.status.rejected_version == 8


async def test_redis_gone_and_back_changes_nothing_but_the_report(tmp_path: Path) -> None:
    scene = Scene(tmp_path, stored=a_document(7, CHANGED))
    await scene.agent.begin()
    scene.store.is_down = True
    await scene.agent.step()
    assert scene.agent.status.store_problem
    assert scene.applied == a_document(7, CHANGED)
    scene.store.is_down = False
    await scene.agent.step()
    assert scene.agent.status.store_problem is None


async def test_without_a_usable_routes_file_it_says_so(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[orders]\n")
    with pytest.raises(InvalidRoutes, match=r"broken\.toml: route 'orders': Object missing required field"):
        await Scene(tmp_path, routes_file=broken).agent.begin()
    with pytest.raises(InvalidRoutes, match=r"GATEWAY_ROUTES_FILE '.*/none\.toml' cannot be read: No such file"):
        await Scene(tmp_path, routes_file=tmp_path / "none.toml").agent.begin()


async def test_what_is_live_is_read_back_from_envoy(scene: Scene) -> None:
    await scene.agent.begin()
    assert scene.agent.status.is_ready
    assert not scene.agent.status.is_live
    assert scene.agent.status.envoy_problem == "Envoy does not answer"

    scene.envoy.is_running = True
    await scene.agent.step()
    assert scene.agent.status.is_live
    assert scene.agent.status.live == scene.agent.status.written
    assert scene.agent.status.envoy_problem is None


@pytest.mark.parametrize("refused", ["cds.json", "rds.edge.json", "rds.internal.json"])
async def test_what_envoy_refuses_is_taken_back(scene: Scene, refused: str) -> None:
    scene.envoy.is_running = True
    await scene.agent.begin()
    before = {file.name: file.read_text() for file in scene.folder.path.iterdir()}

    scene.envoy.refuses = {refused}
    await scene.agent.step()
    await scene.store.replace(a_document(2, CHANGED, ADDED))
    await scene.agent.step()
    assert {file.name: file.read_text() for file in scene.folder.path.iterdir()} == before
    assert f"Envoy did not take {refused} version 2-" in scene.agent.status.rejected_because[0]

    scene.envoy.refuses = set()
    await scene.agent.step()
    assert scene.applied == a_document(2, CHANGED, ADDED)
    assert scene.agent.status.is_live


async def test_routes_wait_for_their_clusters(scene: Scene) -> None:
    scene.envoy.is_running = True
    await scene.agent.begin()
    before = scene.written()
    scene.envoy.refuses = {"cds.json"}
    scene.store.document = a_document(2, CHANGED, ADDED)
    await scene.agent.step()
    assert scene.written() == before


async def test_a_file_that_would_say_the_same_is_left_alone(scene: Scene) -> None:
    scene.envoy.is_running = True
    await scene.agent.begin()
    await scene.agent.step()
    before = scene.folder.path.joinpath("cds.json").stat()
    await scene.store.replace(scene.applied.with_route(structs.replace(scene.applied.route("orders"), share_bp=1)))
    await scene.agent.step()
    assert scene.folder.path.joinpath("cds.json").stat() == before
    assert scene.written().startswith("2-")
    assert scene.agent.status.is_live


async def test_an_agent_reports_what_its_envoy_obeys(scene: Scene) -> None:
    scene.envoy.is_running = True
    await scene.agent.begin()
    await scene.agent.step()
    (report,) = await scene.store.reports()
    assert (report.node, report.version, report.is_live, report.problem) == ("edge-1", 1, True, None)

    scene.store.document = a_document(2, UNKNOWN)
    await scene.agent.step()
    (report,) = await scene.store.reports()
    assert (report.version, report.rejected_version) == (1, 2)
    assert "'odrers', which is no upstream" in (report.problem or "")


async def test_an_emptied_store_gets_its_history_back(tmp_path: Path) -> None:
    scene = Scene(tmp_path, stored=a_document(7))
    await scene.agent.begin()
    changes = Changes(scene.store, upstreams=DEFAULT_UPSTREAMS, clock=ImpatientClock())
    for share_bp in (100, 200):
        await changes.set_route("orders", {"share_bp": share_bp, "writes": "legacy"}, by="op_1", why="a test")
    await scene.agent.step()
    await scene.agent.step()
    before = await scene.store.history()

    scene.store.document, scene.store.changes = None, []
    await scene.again().begin()
    await scene.agent.step()
    assert await scene.store.history() == before
    assert [change.version for change in before] == [9, 8]
    assert (await changes.rollback("orders", by="op_1", why="back")).after.share_bp == 100
