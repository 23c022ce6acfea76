"""The project that a command is about: the one whose folder it is run in. Raises BadInput."""

import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matapalo.cli import completion
from matapalo.launcher.errors import BadInput

if TYPE_CHECKING:
    from strawberry import Schema

    from matapalo.operations.document import Operation
    from matapalo.project.declaration import Client, Project


def commands_of_the_project() -> list[Callable[[typer.Typer], None]]:
    """What `[project] commands` names; nothing outside of a project. Reads no more of the file than that.

    A file that is wrong elsewhere is the business of the commands that need it.
    """
    from matapalo.project.location import ProjectError, find

    try:
        file = find()
        table = tomllib.loads(file.read_text()).get("project", {})
    except (ProjectError, OSError, tomllib.TOMLDecodeError):
        return []
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))
    commands = []
    for reference in table.get("commands", ()):
        module, _, attribute = reference.partition(":")
        try:
            commands.append(getattr(import_module(module), attribute))
        except (ImportError, AttributeError) as error:
            print(f"matapalo: {file}: project.commands is {reference!r}: {error}", file=sys.stderr)
    return commands


ClientOption = Annotated[
    str | None,
    typer.Option("--client", help="A client of the project; default: its first.", autocompletion=completion.clients),
]
OperationOption = Annotated[str | None, typer.Option("--operation", help="Which operation, when there are several.")]


@contextmanager
def problems_of_the_project() -> Iterator[None]:
    """What is wrong with `matapalo.toml`, or with what it refers to, is wrong usage."""
    from matapalo.project.location import ProjectError

    try:
        yield
    except ProjectError as error:
        raise BadInput(str(error)) from error


def project_file() -> Path:
    """The `matapalo.toml` here or above."""
    from matapalo.project.location import find

    with problems_of_the_project():
        return find()


def current_project(file: Path | None = None) -> "Project":
    """The project that is declared here or above, or in ``file``."""
    from matapalo.project.reader import load

    with problems_of_the_project():
        return load(file)


def named_client(project: "Project", name: str | None) -> "Client":
    """The client of this name; the first one without a name."""
    if name is None:
        return next(iter(project.clients.values()))
    if name not in project.clients:
        raise BadInput(f"there is no client {name!r} in {project.file}: use one of {', '.join(project.clients)}")
    return project.clients[name]


def read_operation(file: Path, client: str | None, name: str | None) -> "tuple[Schema, Operation]":
    """A client's schema and the operation of a document, validated against it; a flaw names file, line and column."""
    from matapalo.app import build_schema, limits
    from matapalo.errors import DocumentRefused, RequestError
    from matapalo.operations.document import Documents
    from matapalo.settings import Settings

    project = current_project()
    row = named_client(project, client)
    with problems_of_the_project():
        schema = build_schema(project, row)
    try:
        return schema, Documents(schema, limits(Settings.model_construct())).find(file.read_text(), name)
    except DocumentRefused as error:
        places = [
            "".join([str(file), *(f":{line}:{column}" for line, column in flaw.locations[:1]), f": {flaw.message}"])
            for flaw in error.flaws
        ]
        raise BadInput("\n".join(places)) from error
    except RequestError as error:
        raise BadInput(f"{file}: {error.message}") from error
