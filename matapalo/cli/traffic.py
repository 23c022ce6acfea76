"""`matapalo traffic`: steady, realistic reads through the edge, for demos and gates. Never leaves this machine."""

import asyncio
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live

from matapalo.cli import load
from matapalo.cli.options import DATA_DIR, DataDirOption, JsonOption, running, show, table
from matapalo.launcher import ports
from matapalo.launcher.errors import NotRunning
from matapalo.launcher.platform import EDGE_PORT

MAX_RPS = 200


def register(app: typer.Typer) -> None:
    """Adds the command of this file."""
    app.command()(traffic)


def traffic(
    rps: Annotated[float, typer.Option(min=0.1, max=MAX_RPS, help="Requests per second.")] = 20,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="How long; without it until Ctrl-C.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed asks the same.")] = 1,
    as_json: JsonOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Ask what shops, apps and scripts would ask, as 200 customers, and show which side answered."""
    platform = running(data_dir)
    if ports.is_free(platform.port(EDGE_PORT)):
        raise NotRunning(f"nothing listens on {platform.address(EDGE_PORT)}: start the platform with `matapalo up`")
    seen = load.Totals()

    def keep(totals: load.Totals) -> None:
        nonlocal seen
        seen = totals
        live.update(_rendered(totals), refresh=True)

    live = Live(console=Console(stderr=as_json), auto_refresh=False, transient=True)
    with live, suppress(KeyboardInterrupt):
        seen = asyncio.run(load.run(platform, rps=rps, seconds=seconds, seed=seed, on_second=keep))
    show(seen.as_json, lambda _: _rendered(seen), as_json=as_json)


def _rendered(totals: load.Totals) -> RenderableType:
    found = totals.as_json()
    parts: list[RenderableType] = [
        f"{found['requests']} requests in {found['seconds']:g} s ({found['rps']:g}/s), {found['failed']} failed, "
        f"p50 {found['p50_ms']:g} ms, p95 {found['p95_ms']:g} ms, p99 {found['p99_ms']:g} ms"
    ]
    if totals.skipped:
        parts.append(f"{totals.skipped} skipped: {load.MAX_IN_FLIGHT} were in flight already")
    sides: dict[str, dict[str, int]] = {}
    for key, count in totals.targets.items():
        route, _, target = key.rpartition(" ")
        sides.setdefault(route, {})[target] = count
    rows = [(route, str(by.get("new", 0)), str(by.get("legacy", 0))) for route, by in sorted(sides.items())]
    parts += ["", table(("ROUTE", "NEW", "LEGACY"), rows, right=("NEW", "LEGACY"))]
    parts += [f"{problem}: {count}" for problem, count in totals.failed.most_common(5)]
    return Group(*parts)
