"""`matapalo traffic`: steady, realistic reads through the edge, for demos and gates. Never leaves this machine."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from matapalo.cli.options import DATA_DIR, DataDirOption, JsonOption, running_platform
from matapalo.cli.output import show, table
from matapalo.cli.project import current_project
from matapalo.launcher.errors import BadInput

if TYPE_CHECKING:
    from rich.console import RenderableType

    from matapalo.cli.load import Totals

MAX_RPS = 200


def register(app: typer.Typer) -> None:
    app.command()(traffic)


def traffic(
    rps: Annotated[float, typer.Option(min=0.1, max=MAX_RPS, help="Requests per second.")] = 20,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="How long; without it until Ctrl-C.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed sends the same requests.")] = 1,
    as_json: JsonOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Send what the project's clients would send, and show which side responded."""
    import asyncio

    from rich.console import Console
    from rich.live import Live

    from matapalo.cli import load

    project = current_project()
    if project.project.traffic is None:
        raise BadInput(f"{project.file} has no [project] traffic: name a file with a mix of requests")
    mix = load.read(project.project.traffic)
    platform = running_platform(data_dir)
    latest = load.Totals()

    def update(totals: load.Totals) -> None:
        nonlocal latest
        latest = totals
        live.update(_rendered(totals), refresh=True)

    live = Live(console=Console(stderr=as_json), auto_refresh=False, transient=True)
    with live, suppress(KeyboardInterrupt):
        latest = asyncio.run(load.run(platform, mix, rps=rps, seconds=seconds, seed=seed, on_second=update))
    show(latest.as_json, lambda _: _rendered(latest), as_json=as_json)


def _rendered(totals: "Totals") -> "RenderableType":
    from rich.console import Group

    report = totals.as_json()
    parts: list[RenderableType] = [
        f"{report['requests']} requests in {report['seconds']:g} s ({report['rps']:g}/s), {report['failed']} failed, "
        f"p50 {report['p50_ms']:g} ms, p95 {report['p95_ms']:g} ms, p99 {report['p99_ms']:g} ms"
    ]
    if totals.skipped:
        parts.append(f"{totals.skipped} skipped: as many as may be were in flight already")
    sides: dict[str, dict[str, int]] = {}
    for key, count in totals.targets.items():
        route, _, target = key.rpartition(" ")
        sides.setdefault(route, {})[target] = count
    rows = [(route, str(by.get("new", 0)), str(by.get("legacy", 0))) for route, by in sorted(sides.items())]
    parts += ["", table(("ROUTE", "NEW", "LEGACY"), rows, right=("NEW", "LEGACY"))]
    parts += [f"{problem}: {count}" for problem, count in totals.failed.most_common(5)]
    return Group(*parts)
