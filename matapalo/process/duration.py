"""Lengths of time as people write and read them: "1 day 12 hours". Pure."""

import re
from datetime import timedelta

_UNITS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
_ABBREVIATIONS = {"w": "week", "d": "day", "h": "hour", "m": "minute", "min": "minute", "s": "second", "sec": "second"}
_PART = re.compile(r"(\d+)\s*([a-z]+)", re.IGNORECASE)


def parse_duration(text: str) -> timedelta:
    """Whole numbers with their units, one after the other: "1 day 12 hours", "90 minutes", "30s".

    Raises ValueError with a sentence.
    """
    length, rest = timedelta(), text
    for part in _PART.finditer(text):
        word = part[2].lower()
        unit_s = _UNITS.get(_ABBREVIATIONS.get(word, word.removesuffix("s")))
        if unit_s is None:
            break
        length += timedelta(seconds=int(part[1]) * unit_s)
        rest = rest.replace(part[0], "", 1)
    if rest == text or rest.replace("and", "").strip():
        raise ValueError(f"{text!r} is no duration: write for example '1 day', '12 hours' or '30 minutes'")
    return length


def format_duration(length: timedelta) -> str:
    """All of it, in words `parse_duration` reads back: "1 day 12 hours"."""
    rest, words = round(length.total_seconds()), []
    for unit, unit_s in _UNITS.items():
        count, rest = divmod(rest, unit_s)
        if count:
            words.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return " ".join(words) or "0 seconds"


def approximate_duration(length: timedelta) -> str:
    """As people say it: in the largest unit up to days of which there are two or more, "36 hours"."""
    seconds = max(0, round(length.total_seconds()))
    unit, unit_s = next(((unit, size) for unit, size in [*_UNITS.items()][1:] if seconds >= 2 * size), ("second", 1))
    return f"{seconds // unit_s} {unit}s"
