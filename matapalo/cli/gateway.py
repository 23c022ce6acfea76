"""`matapalo gateway control|agent|compare|worker|render`: the strangler's processes, set up by their environment.

Settings or routes that cannot be used are a usage error: one sentence for each problem, exit code 2.
"""

import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matapalo.cli.project import current_project
from matapalo.launcher.errors import BadInput

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from matapalo.strangler.envoy.render import EnvoyFile
    from matapalo.strangler.settings import Settings


#: What `render` puts where Envoy gets its keys, when the environment names none (RFC 2606: never a real name).
PLACEHOLDERS = {"jwks_url": "https://issuer.invalid/jwks.json", "jwt_issuer": "https://issuer.invalid"}


def register(app: typer.Typer) -> None:
    gateway = typer.Typer(help="The strangler's processes. Settings: GATEWAY_* and MATAPALO_ENV.", no_args_is_help=True)
    for command in (control, agent, compare, worker, render):
        gateway.command()(command)
    app.add_typer(gateway, name="gateway")


def control() -> None:
    """Serve the admin API (GATEWAY_CONTROL_PORT)."""
    _run(_run_control, "control")


def agent() -> None:
    """Write Envoy's files, keep them at the store's routes, report on GATEWAY_AGENT_PORT."""
    _run(_run_agent, "agent")


def compare() -> None:
    """Compare both sides' responses to the requests that Envoy mirrors (GATEWAY_COMPARE_PORT)."""
    _run(_run_comparator, "comparator")


def worker() -> None:
    """Carry rollouts out; metrics on GATEWAY_METRICS_PORT."""
    from matapalo.strangler import worker as process

    _run(process.serve, "gateway worker")


def render(
    routes: Annotated[Path | None, typer.Option(help="A TOML file of routes; default: GATEWAY_ROUTES_FILE.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write to; default: print.")] = None,
    only: Annotated[str | None, typer.Option(help="One file, for example rds.edge.json.")] = None,
) -> None:
    """Show Envoy's files for a table of routes, without a store and without an Envoy."""
    with _problems_as_usage_errors():
        settings = _settings(placeholders=PLACEHOLDERS)
        if settings.jwks_url == PLACEHOLDERS["jwks_url"]:
            print(f"no GATEWAY_JWKS_FILE or GATEWAY_JWKS_URL: showing {settings.jwks_url}", file=sys.stderr)
        files = _rendered(settings, routes or settings.routes_file)
        selected = [file for file in files if only in (None, file.name)]
        if not selected:
            raise BadInput(f"--only {only}: there is no such file: choose one of {', '.join(f.name for f in files)}")
        if out is None:
            for file in selected:
                print(file.text if only else f"--- {file.name}\n{file.text}", end="")
            return
        from matapalo.strangler.agent.folder import EnvoyFolder

        folder = EnvoyFolder(out)
        for file in selected:
            folder.write(file.name, file.text)
            print(f"{out / file.name}  {file.version}")


@contextmanager
def _problems_as_usage_errors() -> Iterator[None]:
    from matapalo.strangler.errors import InvalidRoutes, InvalidSettings

    try:
        yield
    except (InvalidSettings, InvalidRoutes) as error:
        raise BadInput("\n".join(error.problems)) from error


def _settings(placeholders: Mapping[str, str] | None = None) -> "Settings":
    from matapalo.strangler import settings

    return settings.load(current_project(), placeholders=placeholders)


def _rendered(settings: "Settings", path: Path) -> tuple["EnvoyFile", ...]:
    from matapalo.strangler.caller import key_source
    from matapalo.strangler.envoy.render import render as render_files
    from matapalo.strangler.routing.document import RoutesDocument, parse_toml
    from matapalo.strangler.routing.validate import validated

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    routes = parse_toml(text, origin=path.name)
    validated(routes, upstreams=settings.upstreams)
    return render_files(RoutesDocument(1, routes), settings, key_source(settings))


def _run(serve: Callable[["Settings"], Coroutine[Any, Any, None]], name: str) -> None:
    import asyncio

    from matapalo.telemetry import logs

    with _problems_as_usage_errors():
        settings = _settings()
        logs.configure(name)
        asyncio.run(serve(settings))


async def _run_control(settings: "Settings") -> None:
    from matapalo.strangler.control_app import control_app

    await _serve(control_app(settings), settings.host, settings.control_port)


async def _run_agent(settings: "Settings") -> None:
    import asyncio

    from prometheus_client import CollectorRegistry

    from matapalo.process.signals import cancel
    from matapalo.strangler.agent_app import agent_app, running_agent

    registry = CollectorRegistry()
    async with running_agent(settings, registry) as (agent, loops):
        await agent.begin()
        tasks = [asyncio.create_task(loop()) for loop in loops]
        await _serve(agent_app(agent, registry), settings.host, settings.agent_port)
        await cancel(*tasks)


async def _run_comparator(settings: "Settings") -> None:
    from prometheus_client import CollectorRegistry

    from matapalo.strangler.shadow.app import running_comparator

    async with running_comparator(settings, CollectorRegistry()) as app:
        await _serve(app, settings.host, settings.compare_port)


async def _serve(app: "Starlette", host: str, port: int) -> None:
    from matapalo.process.server import create_server, run

    server = create_server(app, host=host, port=port)
    await run(server)
    if not server.started:
        raise typer.Exit(1)
