"""Reading the log of legacy hits: every line once, also across restarts, outages and a new log."""

from datetime import datetime
from pathlib import Path

import pytest

from matapalo.strangler.agent import hits as module
from matapalo.strangler.agent.folder import EnvoyFolder
from matapalo.strangler.agent.hits import HitReader
from matapalo.strangler.envoy.listeners import LEGACY_LOG
from matapalo.strangler.errors import EnvoyUnreachable, StoreUnavailable
from matapalo.strangler.routing.hits import HitsByRoute
from tests.matapalo.strangler.fakes import ImpatientClock

LINE = '{"ms":"1000","route":"orders:legacy:share","method":"GET"}\n'


class Scene:
    """A log, a reader, and a store that counts."""

    def __init__(self, tmp_path: Path) -> None:
        self.log = tmp_path / LEGACY_LOG
        self.folder = EnvoyFolder(tmp_path)
        self.count = 0
        self.is_down = False
        self.envoy_is_down = False
        self.reader = self.again()

    def again(self) -> HitReader:
        self.reader = HitReader(self.folder, store=self, envoy=self, clock=ImpatientClock())
        return self.reader

    def write(self, text: str) -> None:
        with self.log.open("a") as file:
            file.write(text)

    async def begin(self, now: datetime) -> None:
        if self.is_down:
            raise StoreUnavailable("Redis does not answer")

    async def add(self, hits: HitsByRoute) -> None:
        if self.is_down:
            raise StoreUnavailable("Redis does not answer")
        self.count += sum(found.count for callers in hits.values() for found in callers.values())

    async def reopen_logs(self) -> None:
        if self.envoy_is_down:
            raise EnvoyUnreachable("Envoy does not answer")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_a_log_that_is_not_there_yet_has_no_lines(scene: Scene) -> None:
    await scene.reader.read()
    assert scene.count == 0


async def test_each_line_is_counted_once_also_after_a_restart(scene: Scene) -> None:
    scene.write(LINE * 2)
    await scene.reader.read()
    scene.write(LINE)
    await scene.again().read()
    await scene.reader.read()
    assert scene.count == 3


async def test_half_a_line_waits_for_its_end(scene: Scene) -> None:
    scene.write(LINE + LINE[:20])
    await scene.reader.read()
    assert scene.count == 1
    scene.write(LINE[20:])
    await scene.reader.read()
    assert scene.count == 2


async def test_what_redis_missed_is_added_when_it_is_back(scene: Scene) -> None:
    scene.write(LINE)
    scene.is_down = True
    with pytest.raises(StoreUnavailable):
        await scene.reader.read()
    scene.is_down = False
    await scene.reader.read()
    assert scene.count == 1


@pytest.mark.parametrize("envoy_is_down", [False, True])
async def test_a_large_log_is_replaced_and_no_line_is_lost(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, envoy_is_down: bool
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 2 * len(LINE))
    scene.envoy_is_down = envoy_is_down
    scene.write(LINE * 3)
    await scene.reader.read()
    old = scene.log.with_name(f"{LEGACY_LOG}.old")
    assert old.exists()
    with old.open("a") as file:  # Envoy still had it open
        file.write(LINE)
    scene.write(LINE)
    await scene.reader.read()
    assert scene.count == 5
    assert not old.exists()
