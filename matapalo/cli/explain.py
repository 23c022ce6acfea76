"""`matapalo explain FILE`: how an operation is executed, field by field."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from matapalo.cli.options import JsonOption
from matapalo.cli.project import ClientOption, OperationOption, read_operation


def register(app: typer.Typer) -> None:
    app.command()(explain)


def explain(
    file: Annotated[Path, typer.Argument(help="A GraphQL document.", exists=True, dir_okay=False)],
    client: ClientOption = None,
    operation: OperationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print how an operation is executed: attributes, loads, resolvers, and what graphql-core has to do."""
    from matapalo.execution import explain as execution

    schema, selected = read_operation(file, client, operation)
    tree = execution.explain(schema, selected)
    print(json.dumps(asdict(tree), indent=2) if as_json else execution.render(tree))
