"""`matapalo schema export|check`: the clients' schemas as SDL files in schema/."""

from pathlib import Path

import typer

from matapalo.cli import generated
from matapalo.cli.generated import SchemaDirOption


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    schema = typer.Typer(help="The clients' schemas as SDL files in schema/.", no_args_is_help=True)
    schema.command()(export)
    schema.command()(check)
    app.add_typer(schema, name="schema")


def export(schema_dir: SchemaDirOption = None) -> None:
    """Write the SDL of every client."""
    generated.write(_files(schema_dir))


def check(schema_dir: SchemaDirOption = None) -> None:
    """Fail when a committed SDL file is not what the code says."""
    generated.check(_files(schema_dir), remedy="matapalo schema export")


def _files(schema_dir: Path | None) -> dict[Path, bytes]:
    from bff.mobile import schema as mobile
    from bff.web import schema as web
    from matapalo.settings import schema_directory

    folder = schema_directory(schema_dir)
    return {folder / name: text.encode() for name, text in (web.render_sdl() | mobile.render_sdl()).items()}
