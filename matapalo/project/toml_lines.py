"""Where tables and keys stand in a TOML text, which the parser of the standard library does not tell."""

import re
from collections.abc import Mapping

_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"""\s*["']?([A-Za-z0-9_-]+)["']?\s*=""")


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    """The line, from 1, of each table and each key by its path."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            for end in range(1, len(table) + 1):
                lines.setdefault(table[:end], number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, key[1]), number)
    return lines


def line_of(lines: Mapping[tuple[str, ...], int], key: tuple[str, ...]) -> int:
    """Where the key stands, else the table it belongs to, else the first line."""
    while key and key not in lines:
        key = key[:-1]
    return lines.get(key, 1)
