"""The two responses of a sample beside each other: their lines, and which of them the other one does not have."""

from difflib import SequenceMatcher
from typing import NamedTuple

LONGEST = 400
"""Lines. Beyond it nothing is marked: the comparison takes quadratic time."""


class Line(NamedTuple):
    text: str
    differs: bool


class Pair(NamedTuple):
    legacy: tuple[Line, ...]
    new: tuple[Line, ...]


def pair(legacy: str, new: str) -> Pair:
    """The lines of both, those that differ marked."""
    left, right = legacy.splitlines(), new.splitlines()
    if max(len(left), len(right)) > LONGEST:
        return Pair(tuple(Line(text, False) for text in left), tuple(Line(text, False) for text in right))
    # A comma says only whether something follows, and what follows is marked itself.
    bare_left, bare_right = [text.rstrip(",") for text in left], [text.rstrip(",") for text in right]
    same_left: set[int] = set()
    same_right: set[int] = set()
    for block in SequenceMatcher(a=bare_left, b=bare_right, autojunk=False).get_matching_blocks():
        same_left.update(range(block.a, block.a + block.size))
        same_right.update(range(block.b, block.b + block.size))
    return Pair(_lines(left, same_left), _lines(right, same_right))


def _lines(texts: list[str], same: set[int]) -> tuple[Line, ...]:
    return tuple(Line(text, index not in same) for index, text in enumerate(texts))
