"""From a reference in `matapalo.toml` (``module:attribute``) to the object. Raises `ProjectError`."""

import sys
from importlib import import_module
from typing import Any

from matapalo.project.declaration import Project
from matapalo.project.location import ProjectError


def resolve(project: Project, reference: str, *, key: str) -> Any:
    """The object that ``reference`` names; ``key`` is where it stands. A project's folder is importable as it lies."""
    root = str(project.root)
    if root not in sys.path:
        sys.path.insert(0, root)
    module_name, _, attribute = reference.partition(":")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # a module of theirs misses another one: their traceback says it best
        raise ProjectError(
            f"{project.file.name}: {key} is {reference!r}: there is no module {error.name} in {project.root}"
        ) from None
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise ProjectError(f"{project.file.name}: {key} is {reference!r}: {module_name} has no {attribute!r}") from None
