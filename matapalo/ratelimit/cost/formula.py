"""Numbers that may depend on an operation's variables: folded while they are put together, evaluated in one call.

A `Formula` whose parts are all constant is a constant, so most operations cost one attribute read.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Variables = Mapping[str, Any]


class Formula:
    """A function of variables, or a constant."""

    __slots__ = ("_function", "constant")

    def __init__(self, constant: int | None, function: Callable[[Variables], int] | None = None) -> None:
        self.constant = constant
        self._function = function

    def __call__(self, variables: Variables) -> int:
        """The number for ``variables``."""
        if self._function is None:
            return self.constant or 0
        return self._function(variables)


ZERO = Formula(0)


def number(value: int) -> Formula:
    return Formula(value) if value else ZERO


def function_of(function: Callable[[Variables], int]) -> Formula:
    """A number known with the variables only."""
    return Formula(None, function)


def total(parts: Iterable[Formula]) -> Formula:
    fixed, open_ = _folded(parts, operator.add)
    if not open_:
        return number(fixed)
    if len(open_) == 1 and fixed == 0:
        return open_[0]
    return function_of(lambda variables: fixed + sum(part(variables) for part in open_))


def largest(parts: Iterable[Formula]) -> Formula:
    fixed, open_ = _folded(parts, max)
    if not open_:
        return number(fixed)
    return function_of(lambda variables: max(fixed, *(part(variables) for part in open_)))


def product(left: Formula, right: Formula) -> Formula:
    """Left times right. Right is not evaluated where left is 0."""
    if left.constant is not None and right.constant is not None:
        return number(left.constant * right.constant)
    if left.constant == 0 or right.constant == 0:
        return ZERO
    if left.constant == 1:
        return right

    def multiplied(variables: Variables) -> int:
        factor = left(variables)
        return factor * right(variables) if factor else 0

    return function_of(multiplied)


def power(base: Formula, exponent: int) -> Formula:
    result = base
    for _ in range(exponent - 1):
        result = product(result, base)
    return result


def _folded(parts: Iterable[Formula], fold: Callable[[int, int], int]) -> tuple[int, tuple[Formula, ...]]:
    fixed = 0
    open_: list[Formula] = []
    for part in parts:
        if part.constant is None:
            open_.append(part)
        else:
            fixed = fold(fixed, part.constant)
    return fixed, tuple(open_)
