"""`matapalo serve CLIENT`: the GraphQL BFF of one client, set up by its environment (BFF_*)."""

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from matapalo.cli import completion
from matapalo.cli.project import current_project, named_client, problems_of_the_project
from matapalo.launcher.errors import BadInput

if TYPE_CHECKING:
    from matapalo.app import Bff
    from matapalo.process.server import Server
    from matapalo.settings import Settings

#: How long open requests may take once the server has been told to stop; mutations need their five seconds.
GRACE_S = 8

_log = logging.getLogger(__name__)


def register(app: typer.Typer) -> None:
    app.command()(serve)


def serve(
    client: Annotated[str, typer.Argument(help="A client in matapalo.toml.", autocompletion=completion.clients)],
    host: Annotated[str | None, typer.Option(help="Address to listen on; BFF_HOST otherwise.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; BFF_PORT or matapalo.toml otherwise.")] = None,
) -> None:
    """Serve a client's GraphQL schema."""
    import uvloop
    from temporalio.runtime import Runtime

    from matapalo.app import create_app
    from matapalo.cli.bff_settings import load
    from matapalo.execution.check import SchemaMismatch
    from matapalo.operations.manifest import ManifestError
    from matapalo.process.server import run
    from matapalo.ratelimit.cost.weights import CostsMissing
    from matapalo.ratelimit.tiers import TiersError
    from matapalo.telemetry import logs
    from matapalo.workflows.runtime import create_runtime

    project = current_project()
    row = named_client(project, client)
    settings = load()
    logs.configure(row.name)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    try:
        with problems_of_the_project():
            bff = create_app(settings, project, row, write=logs.writer(row.name))
    except (ManifestError, SchemaMismatch, CostsMissing, TiersError) as error:
        raise BadInput(str(error)) from error
    host = host or settings.host
    port = port or (settings.port if "port" in settings.model_fields_set else row.port)
    _log.info("serving %s on http://%s:%d/graphql", row.name, host, port)
    server = create_server(bff, settings, host=host, port=port)
    Runtime.set_default(create_runtime())
    uvloop.run(run(server))
    if not server.started:
        raise typer.Exit(1)


def create_server(bff: "Bff", settings: "Settings", *, host: str, port: int) -> "Server":
    """A server for ``bff``, as it runs in production."""
    from matapalo.process import server

    return server.create_server(
        bff,
        host=host,
        port=port,
        grace_s=GRACE_S,
        on_stop=bff.endpoint.end_streams,
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=settings.max_body_bytes,
        ws_per_message_deflate=False,
        server_header=False,
        proxy_headers=False,  # the endpoint reads the one hop that it trusts
        timeout_keep_alive=30,  # longer than Envoy keeps an idle connection: the sender must be the one to close
    )
