"""`matapalo operations build|check`: the manifests of persisted operations in schema/operations/."""

from pathlib import Path

import typer

from matapalo.cli import generated
from matapalo.cli.project import current_project, problems_of_the_project
from matapalo.launcher.errors import BadInput


def register(app: typer.Typer) -> None:
    operations = typer.Typer(help="The manifests of persisted operations in schema/operations/.", no_args_is_help=True)
    operations.command()(build)
    operations.command()(check)
    app.add_typer(operations, name="operations")


def build() -> None:
    """Write the manifests from `schema/operations/<client>/*.graphql`."""
    generated.write(_files())


def check() -> None:
    """Fail when a committed manifest is not what the operations say."""
    generated.check(_files(), remedy="matapalo operations build")


def _files() -> dict[Path, bytes]:
    from matapalo.app import build_schema, limits
    from matapalo.operations import manifest
    from matapalo.operations.document import Documents
    from matapalo.settings import Settings

    project = current_project()
    bounds = limits(Settings.model_construct())
    try:
        with problems_of_the_project():
            return {
                client.manifest: manifest.build(client.operations, Documents(build_schema(project, client), bounds))
                for client in project.clients.values()
            }
    except manifest.ManifestError as error:
        raise BadInput(str(error)) from error
