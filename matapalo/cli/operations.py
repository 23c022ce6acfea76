"""`matapalo operations build|check`: the manifests of persisted operations in schema/operations/."""

from pathlib import Path

import typer

from matapalo.cli import generated
from matapalo.cli.generated import SchemaDirOption
from matapalo.launcher.errors import BadInput


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    operations = typer.Typer(help="The manifests of persisted operations in schema/operations/.", no_args_is_help=True)
    operations.command()(build)
    operations.command()(check)
    app.add_typer(operations, name="operations")


def build(schema_dir: SchemaDirOption = None) -> None:
    """Write the manifests from `schema/operations/<client>/*.graphql`."""
    generated.write(_files(schema_dir))


def check(schema_dir: SchemaDirOption = None) -> None:
    """Fail when a committed manifest is not what the operations say."""
    generated.check(_files(schema_dir), remedy="matapalo operations build")


def _files(schema_dir: Path | None) -> dict[Path, bytes]:
    from matapalo.app import BUILD_SCHEMA, limits
    from matapalo.operations import manifest
    from matapalo.operations.document import Documents
    from matapalo.settings import Settings, schema_directory

    folder = schema_directory(schema_dir) / "operations"
    bounds = limits(Settings.model_construct(), is_open=False)
    try:
        return {
            folder / f"{client}.manifest.json": manifest.build(folder / client, Documents(build_schema(), bounds))
            for client, build_schema in BUILD_SCHEMA.items()
        }
    except manifest.ManifestError as error:
        raise BadInput(str(error)) from error
