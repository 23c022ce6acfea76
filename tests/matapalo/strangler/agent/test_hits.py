"""Reading the log of legacy hits: every line once, also across restarts, outages and a new log."""

from pathlib import Path

import pytest

from matapalo.strangler.agent import hits as module
from matapalo.strangler.agent.folder import EnvoyFolder
from matapalo.strangler.agent.hits import HitReader
from matapalo.strangler.envoy.listeners import LEGACY_LOG
from matapalo.strangler.errors import RedisUnavailable
from matapalo.strangler.routing.hits import total
from tests.matapalo.strangler.fakes import FakeEnvoy, FakeLegacyHits, ImpatientClock

LINE = '{"ms":"1000","route":"orders:legacy:share","method":"GET"}\n'


class LogHarness:
    """A log with a reader, counts in memory, and an Envoy; ``restart`` replaces the reader alone."""

    def __init__(self, tmp_path: Path) -> None:
        self.log = tmp_path / LEGACY_LOG
        self.folder = EnvoyFolder(tmp_path)
        self.hits = FakeLegacyHits()
        self.envoy = FakeEnvoy(tmp_path)
        self.reader = self.restart()

    def restart(self) -> HitReader:
        self.reader = HitReader(self.folder, hits=self.hits, envoy=self.envoy.admin, clock=ImpatientClock())
        return self.reader

    def write(self, text: str) -> None:
        with self.log.open("a") as file:
            file.write(text)

    async def count(self) -> int:
        hits = total(await self.hits.of("orders"))
        return hits.count if hits else 0


@pytest.fixture
def harness(tmp_path: Path) -> LogHarness:
    return LogHarness(tmp_path)


async def test_a_log_that_is_not_there_yet_has_no_lines(harness: LogHarness) -> None:
    await harness.reader.read()
    assert await harness.count() == 0


async def test_each_line_is_counted_once_also_after_a_restart(harness: LogHarness) -> None:
    harness.write(LINE * 2)
    await harness.reader.read()
    harness.write(LINE)
    await harness.restart().read()
    await harness.reader.read()
    assert await harness.count() == 3


async def test_half_a_line_waits_for_its_end(harness: LogHarness) -> None:
    harness.write(LINE + LINE[:20])
    await harness.reader.read()
    assert await harness.count() == 1
    harness.write(LINE[20:])
    await harness.reader.read()
    assert await harness.count() == 2


async def test_what_redis_missed_is_added_when_it_is_back(harness: LogHarness) -> None:
    harness.write(LINE)
    harness.hits.is_down = True
    with pytest.raises(RedisUnavailable):
        await harness.reader.read()
    harness.hits.is_down = False
    await harness.reader.read()
    assert await harness.count() == 1


@pytest.mark.parametrize("envoy_is_running", [False, True])
async def test_a_large_log_is_replaced_and_no_line_is_lost(
    harness: LogHarness, monkeypatch: pytest.MonkeyPatch, envoy_is_running: bool
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 2 * len(LINE))
    harness.envoy.is_running = envoy_is_running
    harness.write(LINE * 3)
    await harness.reader.read()
    old = harness.log.with_name(f"{LEGACY_LOG}.old")
    assert old.exists()
    with old.open("a") as file:  # Envoy still had it open
        file.write(LINE)
    harness.write(LINE)
    await harness.reader.read()
    assert await harness.count() == 5
    assert not old.exists()
