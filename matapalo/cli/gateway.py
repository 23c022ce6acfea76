"""`gateway control | agent | compare | worker | render`: the gateway's processes, set up by their environment.

Exit status 2: the settings or the routes cannot be used, and standard error says what to change.
"""

import asyncio
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer
from prometheus_client import CollectorRegistry

from matapalo.auth.key_source import key_source
from matapalo.process.server import create_server, run
from matapalo.process.signals import cancel
from matapalo.strangler import settings as settings_module
from matapalo.strangler import worker as worker_module
from matapalo.strangler.agent.folder import EnvoyFolder
from matapalo.strangler.app import agent_app, control_app, running_agent
from matapalo.strangler.envoy.render import EnvoyFile, render
from matapalo.strangler.errors import InvalidRoutes, InvalidSettings
from matapalo.strangler.routing.document import RoutesDocument, parse_toml
from matapalo.strangler.routing.validate import validated
from matapalo.strangler.settings import Settings
from matapalo.strangler.shadow.app import running_comparator
from matapalo.telemetry import logs

P = ParamSpec("P")

main = typer.Typer(
    help="The strangler: control plane, and the agent that feeds Envoy. Settings: GATEWAY_* and MATAPALO_ENV.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _explaining(command: Callable[P, None]) -> Callable[P, None]:
    """Turns what the user can correct into sentences and exit status 2."""

    @wraps(command)
    def explaining(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (InvalidSettings, InvalidRoutes) as error:
            for sentence in error.problems:
                typer.echo(f"gateway: {sentence}", err=True)
            raise typer.Exit(2) from error

    return explaining


@main.command()
@_explaining
def control() -> None:
    """Serve the admin API (GATEWAY_CONTROL_PORT)."""
    settings = settings_module.load()
    logs.configure("control")
    asyncio.run(run(create_server(control_app(settings), host=settings.host, port=settings.control_port)))


@main.command()
@_explaining
def agent() -> None:
    """Write Envoy's files, keep them at the store's routes, report on GATEWAY_AGENT_PORT."""
    settings = settings_module.load()
    logs.configure("agent")
    asyncio.run(_run_agent(settings))


@main.command()
@_explaining
def compare() -> None:
    """Compare both sides' answers to the requests that Envoy mirrors (GATEWAY_COMPARE_PORT)."""
    settings = settings_module.load()
    logs.configure("comparator")
    asyncio.run(_run_comparator(settings))


@main.command()
@_explaining
def worker() -> None:
    """Carry rollouts out; metrics on GATEWAY_METRICS_PORT."""
    settings = settings_module.load()
    logs.configure("gateway worker")
    asyncio.run(worker_module.serve(settings))


@main.command("render")
@_explaining
def render_files(
    routes: Annotated[Path | None, typer.Option(help="A TOML file of routes; default: GATEWAY_ROUTES_FILE.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write to; default: print.")] = None,
    only: Annotated[str | None, typer.Option(help="One file, for example rds.edge.json.")] = None,
) -> None:
    """Show Envoy's files for a table of routes, without a store and without an Envoy."""
    settings = settings_module.load()
    files = [file for file in _rendered(settings, routes or settings.routes_file) if only in (None, file.name)]
    if not files:
        raise InvalidSettings([f"--only {only}: there is no such file; run without it to see all"])
    if out is None:
        for file in files:
            typer.echo(file.text if only else f"--- {file.name}\n{file.text}", nl=False)
        return
    folder = EnvoyFolder(out)
    for file in files:
        folder.write(file.name, file.text)
        typer.echo(f"{out / file.name}  {file.version}")


def _rendered(settings: Settings, path: Path) -> tuple[EnvoyFile, ...]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidSettings([f"{path}: {error.strerror}"]) from error
    routes = parse_toml(text, origin=path.name)
    validated(routes, upstreams=settings.upstreams)
    return render(RoutesDocument(1, routes), settings, key_source(settings))


async def _run_agent(settings: Settings) -> None:
    registry = CollectorRegistry()
    async with running_agent(settings, registry) as (found, loops):
        await found.begin()
        running = [asyncio.create_task(loop()) for loop in loops]
        await run(create_server(agent_app(found, registry), host=settings.host, port=settings.agent_port))
        await cancel(*running)


async def _run_comparator(settings: Settings) -> None:
    async with running_comparator(settings, CollectorRegistry()) as app:
        await run(create_server(app, host=settings.host, port=settings.compare_port))
