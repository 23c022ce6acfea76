"""`matapalo orders`: how steps are drawn, without a platform."""

from typing import Any

from rich.console import Console

from bff.commands.orders import line, note, table

AT = "2026-01-02T03:04:05+00:00"
LATER = "2026-01-02T03:04:07.500000+00:00"


def event(step: str, state: str, at: str = AT, message: str = "") -> dict[str, Any]:
    return {"step": step, "state": state, "at": at, "message": message}


def lines_of(*events: dict[str, Any]) -> list[list[str]]:
    """The words of each line of the table."""
    steps: dict[str, dict[str, Any]] = {}
    for happened in events:
        note(steps, happened)
    console = Console(width=100)
    with console.capture() as captured:
        console.print(table(list(steps.values())))
    return [text.split() for text in captured.get().splitlines()[1:]]


def test_a_step_shows_its_duration_and_its_attempts() -> None:
    lines = lines_of(event("CREATE", "STARTED"), event("CREATE", "STARTED"), event("CREATE", "DONE", LATER))
    assert lines[0][:2] == ["✓", "create"]
    assert lines[0][3:] == ["2.5", "s", "2"]


def test_what_has_not_begun_is_shown_as_long_as_it_may_begin() -> None:
    assert [words[-1] for words in lines_of(event("CREATE", "STARTED"))[1:]] == [
        "reserve", "charge", "confirm", "warehouse", "ship", "notify",
    ]  # fmt: skip
    failed = lines_of(event("CREATE", "STARTED"), event("CREATE", "FAILED", LATER, "out of stock"))
    assert len(failed) == 1
    assert failed[0][-3:] == ["out", "of", "stock"]


def test_an_event_is_one_line_in_a_log() -> None:
    assert line(event("CHARGE", "COMPENSATED")) == f"{AT}  ↺ charge compensated"
    assert line(event("FINISH", "DONE", message="the order is on its way")).endswith("the order is on its way")
