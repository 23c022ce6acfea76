"""Where two JSON responses differ, by path. Pure.

A path names the place in the shape, not in the list: ``$.items[*].total.amount_minor`` stands for all rows. ``$`` is
the whole body, ``(status)`` the status code. Two responses differ at a path or they do not; how often is not counted.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

STATUS = "(status)"
BODY = "(body)"
"""For a response that is no JSON."""


class Kind(StrEnum):
    """What is different at a path."""

    VALUE = "value"
    TYPE = "type"
    ADDED = "added"
    """Only the second response has it."""
    MISSING = "missing"
    """Only the first response has it."""
    LENGTH = "length"


class Difference(NamedTuple):
    path: str
    kind: Kind


class SideResponse(NamedTuple):
    """What a side responded. ``body`` is parsed JSON, or the bytes of something else."""

    status: int
    body: Any

    @property
    def is_usable(self) -> bool:
        """Whether it can be compared: a failure says nothing about what the side would have responded."""
        return self.status < 500


def differences(first: SideResponse, second: SideResponse) -> frozenset[Difference]:
    if first.status != second.status:
        return frozenset({Difference(STATUS, Kind.VALUE)})
    if isinstance(first.body, bytes) or isinstance(second.body, bytes):
        return frozenset() if first.body == second.body else frozenset({Difference(BODY, Kind.VALUE)})
    return frozenset(_between(first.body, second.body, "$"))


def _between(first: Any, second: Any, path: str) -> Iterator[Difference]:
    if isinstance(first, dict) and isinstance(second, dict):
        yield from _of_objects(first, second, path)
    elif isinstance(first, list) and isinstance(second, list):
        if len(first) != len(second):
            yield Difference(path, Kind.LENGTH)
        for first_item, second_item in zip(first, second, strict=False):
            yield from _between(first_item, second_item, f"{path}[*]")
    elif type(first) is not type(second):
        yield Difference(path, Kind.TYPE)
    elif first != second:
        yield Difference(path, Kind.VALUE)


def _of_objects(first: dict[str, Any], second: dict[str, Any], path: str) -> Iterator[Difference]:
    for name in first.keys() | second.keys():
        below = f"{path}.{name}"
        if name not in first:
            yield Difference(below, Kind.ADDED)
        elif name not in second:
            yield Difference(below, Kind.MISSING)
        else:
            yield from _between(first[name], second[name], below)
