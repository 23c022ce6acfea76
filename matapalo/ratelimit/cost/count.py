"""What an operation really cost: counted from its data, by the same weights as the estimate.

A list costs as many times as it has elements, null costs nothing. Only what has a weight, or something with a weight
below it, is looked at. Below an abstract type a response key takes the largest weight that any of its types gives it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from matapalo.ratelimit.cost.formula import ZERO, Formula, Variables
from matapalo.ratelimit.cost.plan import SelectedField, Selection


@dataclass(frozen=True, slots=True, eq=False)
class CountedField:
    """A response key that costs something, or has something below it that does."""

    key: str
    weight: int
    arguments: Formula
    below: tuple["CountedField", ...]


def counted(
    selections: tuple[Selection, ...], cache: dict[int, tuple[CountedField, ...]] | None = None
) -> tuple[CountedField, ...]:
    """What is to be counted in an object that any of ``selections`` may describe."""
    cache = {} if cache is None else cache
    if len(selections) == 1 and id(selections[0]) in cache:
        return cache[id(selections[0])]
    by_key: dict[str, list[SelectedField]] = {}
    for selection in selections:
        for field in selection.fields:
            by_key.setdefault(field.key, []).append(field)
    plan = []
    for key, fields in by_key.items():
        weight = max(field.weight for field in fields)
        below = counted(tuple(selection for field in fields for selection in field.below), cache)
        arguments = fields[0].arguments
        if weight or below or arguments is not ZERO:
            plan.append(CountedField(key, weight, arguments, below))
    if len(selections) == 1:
        cache[id(selections[0])] = tuple(plan)
    return tuple(plan)


def count(
    plan: tuple[CountedField, ...],
    data: Mapping[str, Any] | None,
    variables: Variables,
    replayed: Collection[str] = (),
) -> int:
    """The cost of ``data``. Root fields in ``replayed`` come from a record: 1 each."""
    if data is None:
        return 0
    if not replayed:
        return _object(plan, data, variables)
    fresh = tuple(field for field in plan if field.key not in replayed)
    return _object(fresh, data, variables) + len(set(replayed) & data.keys())


def _object(plan: tuple[CountedField, ...], data: Mapping[str, Any], variables: Variables) -> int:
    total = 0
    for field in plan:
        value = data.get(field.key)
        if value is None:
            continue
        if field.arguments is not ZERO:
            total += field.arguments(variables)
        if type(value) is list:
            total += _list(field, value, variables)
        else:
            total += field.weight
            if field.below:
                total += _object(field.below, value, variables)
    return total


def _list(field: CountedField, values: list[Any], variables: Variables) -> int:
    if not field.below and None not in values and not (values and type(values[0]) is list):
        return field.weight * len(values)
    total = 0
    for value in values:
        if type(value) is list:
            total += _list(field, value, variables)
        elif value is not None:
            total += field.weight
            if field.below:
                total += _object(field.below, value, variables)
    return total
