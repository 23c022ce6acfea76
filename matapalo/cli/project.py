"""The project that a command is about: the one whose folder it is run in. Raises BadInput."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matapalo.launcher.errors import BadInput

if TYPE_CHECKING:
    from matapalo.project.declaration import Client, Project

ClientOption = Annotated[str | None, typer.Option("--client", help="One of the project's clients; default: its first.")]


@contextmanager
def problems_of_the_project() -> Iterator[None]:
    """What is wrong with `matapalo.toml`, or with what it refers to, is wrong usage."""
    from matapalo.project.location import ProjectError

    try:
        yield
    except ProjectError as error:
        raise BadInput(str(error)) from error


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
