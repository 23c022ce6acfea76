"""Reads `matapalo.toml`: finds the file, expands ``${VARIABLES}``, and says what is wrong with it and where.

Every problem is one line: file, line, key, value and the remedy. Raises `ProjectError`.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from matapalo.project.declaration import Client, Process, Project, ProjectTable, Service, Strangler, Table, Worker
from matapalo.project.location import ProjectError, find
from matapalo.project.toml_lines import line_of, lines_of

_TABLES: Mapping[str, type[Table]] = {
    "project": ProjectTable,
    "clients": Client,
    "services": Service,
    "processes": Process,
    "worker": Worker,
    "strangler": Strangler,
}
_EXPANSION = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def load(file: Path | None = None, environ: Mapping[str, str] = os.environ) -> Project:
    """The project that ``file`` declares (default: the one that `find` finds)."""
    file = file or find(environ=environ)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ProjectError(f"{file} cannot be read: {error.strerror}") from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{file.name}: {error}: see https://toml.io for how it is written") from error
    lines = lines_of(text)
    root = file.parent.absolute()
    tables = _expanded(document, (), environ, lambda key: f"{file.name}:{line_of(lines, key)}: {'.'.join(key)}")
    try:
        return Project.model_validate({**tables, "root": root}, context={"root": root})
    except ValidationError as error:
        problems = [_problem(detail, lines) for detail in error.errors(include_url=False)]
        raise ProjectError("\n".join(f"{file.name}:{line}: {sentence}" for line, sentence in problems)) from None


def _expanded(
    value: Any, key: tuple[str, ...], environ: Mapping[str, str], place: Callable[[tuple[str, ...]], str]
) -> Any:
    """The value with every ``${NAME}`` and ``${NAME:-default}`` replaced."""
    if isinstance(value, dict):
        return {name: _expanded(inner, (*key, name), environ, place) for name, inner in value.items()}
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        expansion = environ.get(match[1], match[2])
        if expansion is None:
            raise ProjectError(
                f"{place(key)} is {value!r}, and {match[1]} is not set: set it, or write ${{{match[1]}:-default}}"
            )
        return expansion

    return _EXPANSION.sub(replace, value)


def _problem(detail: ErrorDetails, lines: Mapping[tuple[str, ...], int]) -> tuple[int, str]:
    """The line and the sentence for one of pydantic's errors."""
    context = detail.get("ctx", {})
    if detail["type"] == "misfit":
        key = tuple(str(context["key"]).split("."))
        return line_of(lines, key), f"{context['key']} is {context['value']!r}: {context['remedy']}"
    key = tuple(str(part) for part in detail["loc"] if part != "[key]")
    name = ".".join(key)
    match detail["type"]:
        case "missing":
            sentence = f"{name} is missing: add it"
        case "extra_forbidden":
            sentence = f"{name} is not a setting: {_nearest(key)}"
        case "literal_error":
            sentence = f"{name} is {detail['input']!r}: use one of {context['expected']}"
        case "string_pattern_mismatch":
            sentence = f"{name} is {detail['input']!r}: it must match {context['pattern']}"
        case _:
            sentence = f"{name} is {detail['input']!r}: {detail['msg'].removeprefix('Value error, ')}"
    return line_of(lines, key), sentence


def _nearest(key: tuple[str, ...]) -> str:
    """What may stand where an unknown key stands."""
    model = _TABLES.get(key[0])
    if model is None or len(key) == 1:
        names = list(_TABLES)
    else:
        names = [field.alias or name for name, field in model.model_fields.items() if name != "name"]
        names += ["name"] if model is ProjectTable else []
    close = get_close_matches(key[-1], names, n=1)
    return f"did you mean {close[0]}?" if close else f"use {', '.join(names)}"
