"""JSON Patch (RFC 6902) on parsed JSON: lets a fault make a service answer plausible nonsense. Pure, no I/O.

Raises `PatchFailed` when a path does not exist or a `test` does not hold; the document given is never changed.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class PatchFailed(ValueError):
    """The patch does not fit the document."""


class Operation(BaseModel):
    """One step of a patch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    op: Literal["add", "remove", "replace", "move", "copy", "test"]
    path: str = Field(pattern=r"^(/.*)?$")
    source: str | None = Field(None, alias="from", pattern=r"^(/.*)?$")
    value: Any = None


def apply(document: Any, patch: Sequence[Operation]) -> Any:
    """``document`` after every operation of ``patch``, in order."""
    result = deepcopy(document)
    for operation in patch:
        result = _apply(result, operation)
    return result


def _apply(document: Any, step: Operation) -> Any:
    match step.op:
        case "add":
            return _set(document, step.path, deepcopy(step.value), insert=True)
        case "replace":
            _get(document, step.path)
            return _set(document, step.path, deepcopy(step.value), insert=False)
        case "remove":
            return _remove(document, step.path)
        case "copy":
            return _set(document, step.path, deepcopy(_get(document, step.source or "")), insert=True)
        case "move":
            value = _get(document, step.source or "")
            return _set(_remove(document, step.source or ""), step.path, value, insert=True)
        case "test":
            if _get(document, step.path) != step.value:
                raise PatchFailed(f"{step.path} is not {step.value!r}")
            return document


def _tokens(pointer: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _get(document: Any, pointer: str) -> Any:
    for token in _tokens(pointer):
        try:
            document = document[_index(document, token)]
        except (KeyError, IndexError, TypeError):
            raise PatchFailed(f"there is nothing at {pointer}") from None
    return document


def _index(container: Any, token: str) -> Any:
    if isinstance(container, list):
        if not token.isdecimal():
            raise IndexError(token)
        return int(token)
    return token


def _parent(document: Any, pointer: str) -> tuple[Any, str]:
    head, _, _ = pointer.rpartition("/")
    return _get(document, head), _tokens(pointer)[-1]


def _set(document: Any, pointer: str, value: Any, *, insert: bool) -> Any:
    if not pointer:
        return value
    container, token = _parent(document, pointer)
    if isinstance(container, list):
        at = len(container) if token == "-" else int(token) if token.isdecimal() else len(container) + 1  # noqa: S105
        if at > len(container):
            raise PatchFailed(f"{pointer} is outside the list")
        container[at : at + (0 if insert else 1)] = [value]
    elif isinstance(container, dict):
        container[token] = value
    else:
        raise PatchFailed(f"{pointer} is inside a plain value")
    return document


def _remove(document: Any, pointer: str) -> Any:
    _get(document, pointer)
    if not pointer:
        return None
    container, token = _parent(document, pointer)
    del container[_index(container, token)]
    return document
