"""A plan as people write it: ``5% for 1 day, 10% for 2 days, 50% for 1 week after approval, 100%``. Pure.

    plan     = step *("," step)
    step     = percent ["for" duration] ["after approval"]
    percent  = a number from 0.01 to 100, "%"
    duration = a whole number and seconds, minutes, hours, days or weeks; several may follow one another

Percentages rise. Every step but the last says for how long it is watched; the last one may. ``after approval`` waits
for an operator's `advance` before the step is entered. Raises InvalidChange with one sentence a problem.
"""

import re
from collections.abc import Iterator, Sequence

from matapalo.strangler.errors import InvalidChange
from matapalo.strangler.rollout.messages import Step

EXAMPLE = "5% for 1 day, 25% for 2 days, 100%"
LONGEST_S = 90 * 86_400
UNITS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
_SHORT = {"w": "week", "d": "day", "h": "hour", "m": "minute", "min": "minute", "s": "second", "sec": "second"}
_STEP = re.compile(
    r"(?P<percent>\d+(?:\.\d+)?)\s*%(?:\s+for\s+(?P<duration>.+?))?(?P<approval>\s+after\s+approval)?", re.IGNORECASE
)
_DURATION = re.compile(r"(\d+)\s*([a-z]+)", re.IGNORECASE)


def parse(text: str) -> tuple[Step, ...]:
    """The steps of a plan."""
    parts = [part.strip() for part in text.replace("…", "").split(",")]
    parts = [part for part in parts if part]
    if not parts:
        raise InvalidChange(f"a plan has at least one step: write for example {EXAMPLE!r}")
    problems: list[str] = []
    steps = []
    for part in parts:
        try:
            steps.append(_step(part))
        except InvalidChange as error:
            problems += error.problems
    if not problems:
        problems = [*_of_the_whole(parts, steps)]
    if problems:
        raise InvalidChange(*problems)
    return tuple(steps)


def _step(part: str) -> Step:
    matched = _STEP.fullmatch(part)
    if matched is None:
        raise InvalidChange(f"{part!r} is no step: write a percentage and for how long, for example '5% for 1 day'")
    share_bp = round(float(matched["percent"]) * 100)
    if not 1 <= share_bp <= 10_000:
        raise InvalidChange(f"{part!r}: a share is above 0.01% and up to 100%; to take a route back, roll it back")
    lasts_s = _seconds(part, matched["duration"]) if matched["duration"] else 0.0
    return Step(share_bp, lasts_s, needs_approval=matched["approval"] is not None)


def _seconds(part: str, duration: str) -> float:
    rest = _DURATION.sub("", duration).replace("and", "").strip()
    found = [(int(number), _unit(unit)) for number, unit in _DURATION.findall(duration)]
    if rest or not found or any(unit is None for _, unit in found):
        raise InvalidChange(
            f"{part!r}: {duration!r} is no duration: write for example '1 day', '12 hours' or '30 minutes'"
        )
    seconds = float(sum(number * UNITS[unit] for number, unit in found if unit))
    if not 0 < seconds <= LONGEST_S:
        raise InvalidChange(f"{part!r}: a step is watched for more than 0 seconds and at most 90 days")
    return seconds


def _unit(word: str) -> str | None:
    word = word.lower()
    word = _SHORT.get(word, word)
    return next((unit for unit in UNITS if word in (unit, f"{unit}s")), None)


def _of_the_whole(parts: Sequence[str], steps: Sequence[Step]) -> Iterator[str]:
    for number in range(1, len(steps)):
        before, step = steps[number - 1], steps[number]
        if step.share_bp <= before.share_bp:
            yield f"{parts[number]!r} does not raise the share, which is {_percent(before)} already: percentages rise"
    for part, step in zip(parts[:-1], steps[:-1], strict=True):
        if not step.lasts_s:
            yield f"{part!r} does not say for how long: write for example '{_percent(step)} for 1 day'"


def render(steps: Sequence[Step]) -> str:
    """The plan in words; `parse` reads it back."""
    return ", ".join(_words(step) for step in steps)


def _words(step: Step) -> str:
    lasts = f" for {duration(step.lasts_s)}" if step.lasts_s else ""
    return f"{_percent(step)}{lasts}{' after approval' if step.needs_approval else ''}"


def duration(seconds: float) -> str:
    """In words, for example ``1 day 12 hours``."""
    rest, words = round(seconds), []
    for unit, length in UNITS.items():
        number, rest = divmod(rest, length)
        if number:
            words.append(f"{number} {unit}{'s' if number > 1 else ''}")
    return " ".join(words) or "0 seconds"


def _percent(step: Step) -> str:
    return f"{step.share_bp / 100:g}%"
