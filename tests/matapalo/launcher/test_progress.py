"""What a person reads while the platform starts, runs and stops."""

import io

from rich.console import Console

from matapalo.launcher import progress
from matapalo.launcher.platform import Platform
from matapalo.launcher.progress import Death, LiveProgress, Progress
from matapalo.launcher.record import State, Status
from tests.harness.shop import SHOP


def status(name: str, state: State, reason: str = "") -> Status:
    return Status(name=name, state=state, since=0.0, reason=reason)


def test_plain_lines_say_once_what_became_ready_or_stopped() -> None:
    out = io.StringIO()
    display = Progress(Console(file=out))
    for state in (State.STARTING, State.STARTING, State.READY, State.READY, State.STOPPING, State.STOPPED):
        display.changed(status("web", state))
    display.changed(status("never-started", State.STOPPED))
    ready, stopped = out.getvalue().splitlines()
    assert ready.startswith("web is ready after 0.")
    assert stopped == "web stopped"


def test_a_death_is_reported_with_its_last_lines() -> None:
    out = io.StringIO()
    Progress(Console(file=out)).died(Death("web", "exit code 1", ["[a] tb", "KeyError: 'x'"], 0.5))
    assert out.getvalue().splitlines() == [
        "web died (exit code 1), restarting in 0.5 s; its last log lines:",
        "    [a] tb",
        "    KeyError: 'x'",
    ]


def test_a_closed_terminal_raises_nothing() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    Progress(Console(file=Closed())).say("to a closed terminal")


def test_the_live_table_shows_what_each_process_waits_for() -> None:
    out = io.StringIO()
    display = LiveProgress(Console(file=out, force_terminal=True, width=80), ["valkey", "web"])
    display.changed(status("valkey", State.READY))
    display.changed(status("web", State.STARTING, "503 redis is not there"))
    display.close()
    display.changed(status("web", State.READY))
    table = out.getvalue()
    assert "503 redis is not there" in table
    assert "web is ready" in table.rpartition("503")[2]


def test_every_address_carries_the_offset(local: Platform) -> None:
    text = progress.addresses(Platform(local.data, 100), SHOP)
    assert "http://127.0.0.1:8180/web/graphql" in text
    assert "127.0.0.1:6490  127.0.0.1:5539  127.0.0.1:7333" in text
    assert ":8080" not in text
