"""The command ``bff``: serve a client's BFF, run the worker, export schemas, build manifests of persisted operations.

What is wrong with the environment is printed as one sentence for each problem, with exit code 2; so is a schema or a
manifest that cannot be used.
"""

import asyncio
import json
import logging
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import uvloop
from pydantic import ValidationError
from pydantic_settings import SettingsError
from temporalio.runtime import Runtime

from bff.mobile import schema as mobile_schema
from bff.web import schema as web_schema
from matapalo import worker
from matapalo.app import BUILD_SCHEMA, Bff, Client, create_app, limits
from matapalo.errors import RequestError
from matapalo.execution.check import SchemaMismatch
from matapalo.operations.document import Documents
from matapalo.operations.manifest import ManifestError, build
from matapalo.process import server
from matapalo.ratelimit.cost.explain import render
from matapalo.ratelimit.cost.operations import Costs
from matapalo.ratelimit.cost.weights import CostsMissing
from matapalo.ratelimit.tiers import TiersError
from matapalo.settings import Settings, schema_directory, unknown_variables
from matapalo.telemetry import logs
from matapalo.workflows.runtime import create_runtime

DEFAULT_PORTS: dict[Client, int] = {"web": 8001, "mobile": 8002}
CLIENTS: tuple[Client, ...] = ("web", "mobile")


class ClientName(StrEnum):
    """The clients, as an option takes them."""

    WEB = "web"
    MOBILE = "mobile"


#: How long open requests may take once the server has been asked to stop; mutations need their five seconds.
GRACE_S = 8

_log = logging.getLogger(__name__)

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
schema_app = typer.Typer(no_args_is_help=True, help="The SDL files in schema/.")
operations_app = typer.Typer(no_args_is_help=True, help="The manifests of persisted operations in schema/operations/.")
app.add_typer(schema_app, name="schema")
app.add_typer(operations_app, name="operations")

Host = Annotated[str | None, typer.Option(help="Address to listen on; BFF_HOST otherwise.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; BFF_PORT otherwise.")]
SchemaDir = Annotated[Path | None, typer.Option(help="Where schema/ is; found beside the package otherwise.")]


def main() -> None:
    """The entry point of the console script."""
    app()


@app.command()
def web(host: Host = None, port: Port = None) -> None:
    """Serve the web client's schema."""
    _serve("web", host, port)


@app.command()
def mobile(host: Host = None, port: Port = None) -> None:
    """Serve the mobile client's schema."""
    _serve("mobile", host, port)


@app.command("worker")
def run_worker() -> None:
    """Run order workflows and their activities."""
    settings = _settings()
    logs.configure("worker")
    try:
        worker.create_mail(settings)
    except ValueError as error:
        _refuse(str(error))
    asyncio.run(worker.serve(settings))


@schema_app.command("export")
def export_schema(schema_dir: SchemaDir = None) -> None:
    """Write the SDL of both clients."""
    for path, content in _sdl(schema_directory(schema_dir)).items():
        _write(path, content)


@schema_app.command("check")
def check_schema(schema_dir: SchemaDir = None) -> None:
    """Fail when a committed SDL file is not what the code says."""
    _compare(_sdl(schema_directory(schema_dir)), "bff schema export")


@operations_app.command("build")
def build_operations(schema_dir: SchemaDir = None) -> None:
    """Write the manifests from `schema/operations/<client>/*.graphql`."""
    for path, content in _manifests(schema_directory(schema_dir)).items():
        _write(path, content)


@operations_app.command("check")
def check_operations(schema_dir: SchemaDir = None) -> None:
    """Fail when a committed manifest is not what the operations say."""
    _compare(_manifests(schema_directory(schema_dir)), "bff operations build")


@app.command()
def cost(
    file: Annotated[Path, typer.Argument(help="A GraphQL document with one operation.", exists=True, dir_okay=False)],
    client: Annotated[ClientName, typer.Option(help="Whose schema.")] = ClientName.WEB,
    variables: Annotated[str, typer.Option(help="The variables, as JSON.")] = "{}",
    operation: Annotated[str | None, typer.Option(help="Which operation, when there are several.")] = None,
) -> None:
    """Print what an operation costs at most, and why."""
    schema = BUILD_SCHEMA[client.value]()
    bounds = limits(Settings.model_construct(), is_open=True)
    try:
        found = Documents(schema, bounds).find(file.read_text(), operation)
        given = json.loads(variables)
        if not isinstance(given, dict):
            _refuse("--variables must be a JSON object")
        priced = Costs(schema).of(found.source, found.document, found.name)
        print(render(priced, given))
    except RequestError as error:
        _refuse(error.message)
    except ValueError as error:
        _refuse(f"--variables is not JSON: {error}")


def create_server(bff: Bff, settings: Settings, *, host: str, port: int) -> server.Server:
    """A server for ``bff``, as it runs in production."""
    return server.create_server(
        bff,
        host=host,
        port=port,
        grace_s=GRACE_S,
        on_stop=bff.endpoint.end_streams,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=settings.max_body_bytes,
        ws_per_message_deflate=False,
        server_header=False,
        proxy_headers=False,  # the endpoint reads the one hop that it trusts
        timeout_keep_alive=30,  # longer than Envoy keeps an idle connection: whoever sends must be the one who closes
    )


def _serve(client: Client, host: str | None, port: int | None) -> None:
    settings = _settings()
    logs.configure(client)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    default_port = settings.port if "port" in settings.model_fields_set else DEFAULT_PORTS[client]
    try:
        bff = create_app(settings, client=client, write=logs.writer(client))
    except (ManifestError, SchemaMismatch, CostsMissing, TiersError) as error:
        _refuse(str(error))
    address = (host or settings.host, port or default_port)
    _log.info("serving %s on http://%s:%d/graphql", client, *address)
    Runtime.set_default(create_runtime())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.run(create_server(bff, settings, host=address[0], port=address[1])))


def _settings() -> Settings:
    problems = [f"{name} is not a setting of the BFF: is it misspelt?" for name in unknown_variables()]
    settings: Settings | None = None
    try:
        settings = Settings()
    except ValidationError as error:
        problems += [_sentence(each["loc"], each["msg"]) for each in error.errors(include_input=False)]
    except SettingsError as error:
        problems.append(f"{error}: give it as JSON")
    if problems or settings is None:
        _refuse(*problems)
    return settings


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    reason = message.removeprefix("Value error, ")
    if not location:
        return reason
    name = str(location[0]).upper()
    return f"{name if name == 'MATAPALO_ENV' else f'BFF_{name}'}: {reason}"


def _sdl(directory: Path) -> dict[Path, bytes]:
    rendered = web_schema.render_sdl() | mobile_schema.render_sdl()
    return {directory / name: text.encode() for name, text in rendered.items()}


def _manifests(directory: Path) -> dict[Path, bytes]:
    operations = directory / "operations"
    bounds = limits(Settings.model_construct(), is_open=False)
    try:
        return {
            operations / f"{client}.manifest.json": build(
                operations / client, Documents(BUILD_SCHEMA[client](), bounds)
            )
            for client in CLIENTS
        }
    except ManifestError as error:
        _refuse(str(error))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    print(path)


def _compare(wanted: dict[Path, bytes], command: str) -> None:
    stale = [path for path, content in wanted.items() if not path.exists() or path.read_bytes() != content]
    for path in stale:
        typer.echo(f"{path} is not what the code says: run '{command}'", err=True)
    if stale:
        raise typer.Exit(1)


def _refuse(*problems: str) -> NoReturn:
    for problem in problems:
        typer.echo(problem, err=True)
    raise typer.Exit(2)
