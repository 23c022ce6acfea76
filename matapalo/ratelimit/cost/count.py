"""What an operation really cost: counted from its data, by the same weights as the estimate.

A list costs as many times as it has elements, null costs nothing. Only what has a weight, or something with a weight
below it, is looked at. Below an abstract type a response key takes the largest weight that any of its types gives it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from matapalo.ratelimit.cost.formula import ZERO, Formula, Variables
from matapalo.ratelimit.cost.plan import Asked, Selection


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """A response key that costs something, or has something below it that does."""

    key: str
    weight: int
    arguments: Formula
    below: tuple["Counted", ...]


def counted(
    selections: tuple[Selection, ...], known: dict[int, tuple[Counted, ...]] | None = None
) -> tuple[Counted, ...]:
    """What is to be counted in an object that any of ``selections`` may describe."""
    known = {} if known is None else known
    if len(selections) == 1 and id(selections[0]) in known:
        return known[id(selections[0])]
    by_key: dict[str, list[Asked]] = {}
    for selection in selections:
        for asked in selection.fields:
            by_key.setdefault(asked.key, []).append(asked)
    found = []
    for key, same in by_key.items():
        weight = max(each.weight for each in same)
        below = counted(tuple(one for each in same for one in each.below), known)
        arguments = same[0].arguments
        if weight or below or arguments is not ZERO:
            found.append(Counted(key, weight, arguments, below))
    if len(selections) == 1:
        known[id(selections[0])] = tuple(found)
    return tuple(found)


def count(
    plan: tuple[Counted, ...], data: Mapping[str, Any] | None, variables: Variables, replayed: Collection[str] = ()
) -> int:
    """The cost of ``data``. Root fields in ``replayed`` were answered from a record: 1 each."""
    if data is None:
        return 0
    if not replayed:
        return _object(plan, data, variables)
    fresh = tuple(each for each in plan if each.key not in replayed)
    return _object(fresh, data, variables) + len(set(replayed) & data.keys())


def _object(plan: tuple[Counted, ...], value: Mapping[str, Any], variables: Variables) -> int:
    total = 0
    for each in plan:
        found = value.get(each.key)
        if found is None:
            continue
        if each.arguments is not ZERO:
            total += each.arguments(variables)
        if type(found) is list:
            total += _list(each, found, variables)
        else:
            total += each.weight
            if each.below:
                total += _object(each.below, found, variables)
    return total


def _list(each: Counted, values: list[Any], variables: Variables) -> int:
    if not each.below and None not in values and not (values and type(values[0]) is list):
        return each.weight * len(values)
    total = 0
    for value in values:
        if type(value) is list:
            total += _list(each, value, variables)
        elif value is not None:
            total += each.weight
            if each.below:
                total += _object(each.below, value, variables)
    return total
