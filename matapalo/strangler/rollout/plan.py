"""A rollout's plan as text: ``5% for 1 day, 10% for 2 days, 50% for 1 week after approval, 100%``. Pure.

    plan     = step *("," step)
    step     = percent ["for" duration] ["after approval"]
    percent  = as `matapalo.strangler.routing.share` reads it, above 0, with "%"
    duration = as `matapalo.process.duration` reads it

Percentages rise. Every step but the last says how long it lasts; the last one may. ``after approval`` waits for an
operator's `advance` before the step is entered. Raises InvalidChange with one sentence a problem.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from matapalo.process.duration import format_duration, parse_duration
from matapalo.strangler.errors import InvalidChange
from matapalo.strangler.rollout.messages import Step
from matapalo.strangler.routing.share import format_share, parse_share

EXAMPLE = "5% for 1 day, 25% for 2 days, 100%"
LONGEST = timedelta(days=90)
_STEP = re.compile(
    r"(?P<percent>\d+(?:\.\d+)?)\s*%(?:\s+for\s+(?P<duration>.+?))?(?P<approval>\s+after\s+approval)?", re.IGNORECASE
)


def parse(text: str) -> tuple[Step, ...]:
    """The steps of the text."""
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
    try:
        share_bp = parse_share(matched["percent"])
        length = parse_duration(matched["duration"]) if matched["duration"] else timedelta()
    except (InvalidChange, ValueError) as error:
        raise InvalidChange(f"{part!r}: {error}") from error
    if not share_bp:
        raise InvalidChange(f"{part!r}: the share of a step is above 0%; to take a route back, roll it back")
    if matched["duration"] and not timedelta() < length <= LONGEST:
        raise InvalidChange(f"{part!r}: a step lasts more than 0 seconds and at most 90 days")
    return Step(share_bp, length.total_seconds(), needs_approval=matched["approval"] is not None)


def _of_the_whole(parts: Sequence[str], steps: Sequence[Step]) -> Iterator[str]:
    for number in range(1, len(steps)):
        before, step = steps[number - 1], steps[number]
        if step.share_bp <= before.share_bp:
            share = format_share(before.share_bp, space="")
            yield f"{parts[number]!r} does not raise the share, which is {share} already: percentages rise"
    for part, step in zip(parts[:-1], steps[:-1], strict=True):
        if not step.lasts_s:
            share = format_share(step.share_bp, space="")
            yield f"{part!r} does not say for how long: write for example '{share} for 1 day'"


def render(steps: Sequence[Step]) -> str:
    """The text of the plan; `parse` reads it back."""
    parts = []
    for step in steps:
        length = f" for {format_duration(timedelta(seconds=step.lasts_s))}" if step.lasts_s else ""
        approval = " after approval" if step.needs_approval else ""
        parts.append(f"{format_share(step.share_bp, space='')}{length}{approval}")
    return ", ".join(parts)
