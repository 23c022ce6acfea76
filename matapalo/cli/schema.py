"""`matapalo schema export|check`: the clients' schemas as SDL files in schema/."""

from pathlib import Path

import typer

from matapalo.cli import generated
from matapalo.cli.project import current_project, problems_of_the_project


def register(app: typer.Typer) -> None:
    schema = typer.Typer(help="The clients' schemas as SDL files in schema/.", no_args_is_help=True)
    schema.command()(export)
    schema.command()(check)
    app.add_typer(schema, name="schema")


def export() -> None:
    """Write the SDL of every client."""
    generated.write(_files())


def check() -> None:
    """Fail when a committed SDL file is not what the code says."""
    generated.check(_files(), remedy="matapalo schema export")


def _files() -> dict[Path, bytes]:
    from matapalo.app import build_schema
    from matapalo.operations.sdl import render_sdl

    project = current_project()
    with problems_of_the_project():
        schemas = {client.name: build_schema(project, client) for client in project.clients.values()}
    folder = project.project.schema_folder
    return {
        folder / file: text.encode()
        for name, schema in schemas.items()
        for file, text in render_sdl(schema, name).items()
    }
