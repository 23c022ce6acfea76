"""`matapalo cost FILE`: what an operation costs its caller at most, and why."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from matapalo.cli.project import ClientOption, current_project, named_client, problems_of_the_project
from matapalo.launcher.errors import BadInput


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(cost)


def cost(
    file: Annotated[Path, typer.Argument(help="A GraphQL document with one operation.", exists=True, dir_okay=False)],
    client: ClientOption = None,
    variables: Annotated[str, typer.Option(help="The variables, as JSON.")] = "{}",
    operation: Annotated[str | None, typer.Option(help="Which operation, when there are several.")] = None,
) -> None:
    """Print what an operation costs at most, and why."""
    from matapalo.app import build_schema, limits
    from matapalo.errors import RequestError
    from matapalo.operations.document import Documents
    from matapalo.ratelimit.cost.explain import render
    from matapalo.ratelimit.cost.operations import Costs
    from matapalo.settings import Settings

    project = current_project()
    row = named_client(project, client)
    with problems_of_the_project():
        schema = build_schema(project, row)
    try:
        document = Documents(schema, limits(Settings.model_construct())).find(file.read_text(), operation)
        print(render(Costs(schema).of(document.source, document.document, document.name), _variables(variables)))
    except RequestError as error:
        raise BadInput(f"{file}: {error.message}") from error


def _variables(text: str) -> dict[str, Any]:
    try:
        variables = json.loads(text)
    except ValueError as error:
        raise BadInput(f"--variables is not JSON: {error}") from error
    if not isinstance(variables, dict):
        raise BadInput(f"--variables must be a JSON object, not {text}")
    return variables
