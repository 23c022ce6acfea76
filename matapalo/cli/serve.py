"""`matapalo serve CLIENT`: the GraphQL BFF of one client, set up by its environment (BFF_*)."""

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from matapalo.cli.options import ClientName
from matapalo.launcher.errors import BadInput

if TYPE_CHECKING:
    from matapalo.app import Bff
    from matapalo.process.server import Server
    from matapalo.settings import Settings

DEFAULT_PORTS = {ClientName.WEB: 8001, ClientName.MOBILE: 8002}

#: How long open requests may take once the server has been told to stop; mutations need their five seconds.
GRACE_S = 8

_log = logging.getLogger(__name__)


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(serve)


def serve(
    client: Annotated[ClientName, typer.Argument(help="Whose schema.")],
    host: Annotated[str | None, typer.Option(help="Address to listen on; BFF_HOST otherwise.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; BFF_PORT otherwise.")] = None,
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

    settings = load()
    logs.configure(client.value)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    try:
        bff = create_app(settings, client=client.value, write=logs.writer(client.value))
    except (ManifestError, SchemaMismatch, CostsMissing, TiersError) as error:
        raise BadInput(str(error)) from error
    host = host or settings.host
    port = port or (settings.port if "port" in settings.model_fields_set else DEFAULT_PORTS[client])
    _log.info("serving %s on http://%s:%d/graphql", client.value, host, port)
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
