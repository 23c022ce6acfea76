"""`matapalo cost FILE`: what an operation costs its caller at most, and why."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from matapalo.cli.project import ClientOption, OperationOption, read_operation
from matapalo.launcher.errors import BadInput


def register(app: typer.Typer) -> None:
    app.command()(cost)


def cost(
    file: Annotated[Path, typer.Argument(help="A GraphQL document with one operation.", exists=True, dir_okay=False)],
    client: ClientOption = None,
    variables: Annotated[str, typer.Option(help="The variables, as JSON.")] = "{}",
    operation: OperationOption = None,
) -> None:
    """Print what an operation costs at most, and why."""
    from matapalo.errors import RequestError
    from matapalo.ratelimit.cost.explain import render
    from matapalo.ratelimit.cost.operations import Costs

    schema, selected = read_operation(file, client, operation)
    try:
        print(render(Costs(schema).of(selected.source, selected.document, selected.name), _variables(variables)))
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
