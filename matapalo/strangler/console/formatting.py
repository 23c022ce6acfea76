"""Numbers as the console writes them: one place, so that a page, its live updates and its tests say the same.

"—" stands for what was not measured. A thin space separates a number from its unit (SI brochure §5.4.3).
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from matapalo.strangler.console.presenters import Point
from matapalo.strangler.routing.share import format_share
from matapalo.strangler.verdict.checks import Outcome

NOTHING = "—"
_SPACE = "\u202f"
_GLYPHS = {Outcome.PASS: "✓", Outcome.FAIL: "✗", Outcome.HOLD: "Ⅱ"}


def share(basis_points: int) -> str:
    """ "25 %", "0.5 %"."""
    return format_share(basis_points, space=_SPACE)


def percent(part: float | None) -> str:
    """A share of 0-1: three digits at most, and nothing that happened is ever shown as nothing."""
    if part is None:
        return NOTHING
    value = part * 100
    if 0 < value < 0.01:
        return f"<0.01{_SPACE}%"
    digits = 0 if value in (0, 100) else 2 if value < 1 else 1
    text = f"{value:.{digits}f}"
    return f"{'99.9' if text.startswith('100') and value < 100 else text}{_SPACE}%"


def milliseconds(value: float | None) -> str:
    """Without its unit: that is in the heading of the column."""
    if value is None:
        return NOTHING
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def rate(per_second: float) -> str:
    """Requests per second, without the unit."""
    if per_second == 0:
        return "0"
    return f"{per_second:.2f}" if per_second < 1 else f"{per_second:.1f}" if per_second < 100 else f"{per_second:.0f}"


def count(number: int) -> str:
    """With thin spaces between thousands."""
    return f"{number:,}".replace(",", _SPACE)


def moment(at: datetime) -> str:
    """UTC; the pages say so once."""
    return at.strftime("%Y-%m-%d %H:%M:%S")


def day_and_time(at: datetime) -> str:
    """Where there is little room: "26 Feb 12:00", UTC."""
    return at.strftime("%d %b %H:%M")


def verdict(outcome: Outcome) -> str:
    """Glyph and word: never a colour alone."""
    return f"{_GLYPHS[outcome]} {outcome}"


def moment_of_ms(since_epoch_ms: int) -> datetime:
    """To the second, as all moments are shown."""
    return datetime.fromtimestamp(since_epoch_ms // 1000, UTC)


def indented(sample: Any) -> str:
    """One side of a sample as JSON, one line a member."""
    return json.dumps(sample, indent=2, ensure_ascii=False)


def chart_sentence(points: Sequence[Point]) -> str:
    """What a chart shows, for those who cannot see it."""
    if not points:
        return "no measurements yet"
    last = points[-1]
    return (
        f"p95: legacy {milliseconds(last.legacy.p95_ms)} ms, new {milliseconds(last.new.p95_ms)} ms; "
        f"errors: legacy {percent(last.legacy.error_share)}, new {percent(last.new.error_share)}"
    )
