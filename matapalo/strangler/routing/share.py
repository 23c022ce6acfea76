"""A share of a route's users as people write it, and as the table keeps it: basis points (0-10000). Pure.

Both directions are exact. What is no whole number of basis points is refused, never rounded: an operator who asks for
5.005 % must not get something else. Workflows import this: it stays light. Raises InvalidChange.
"""

import re

from matapalo.strangler.errors import InvalidChange

_PERCENTAGE = re.compile(r"([0-9]{1,3})(?:[.,]([0-9]{1,2})0*)?\s*%?")


def parse_share(text: str) -> int:
    """Basis points of a percentage: "25", "25%", "25 %", "0.5", "12,05"."""
    matched = _PERCENTAGE.fullmatch(text.strip())
    share_bp = int(matched[1]) * 100 + int((matched[2] or "").ljust(2, "0")) if matched else -1
    if not 0 <= share_bp <= 10_000:
        raise InvalidChange(f"the share is {text!r}: give a percentage from 0 to 100 with at most two decimals")
    return share_bp


def format_share(share_bp: int, *, space: str = " ") -> str:
    """The percentage of basis points, such as "25 %" or "12.05 %"; ``space`` stands before the sign."""
    return f"{share_bp / 100:g}{space}%"
