"""The command as a whole: its overview, its help everywhere, its version, and how errors end it."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
from typer.main import get_command

from matapalo.cli.main import app
from tests.matapalo.cli.conftest import Command


def paths(command: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every group and command, as it is typed."""
    command = command or get_command(app)
    yield words
    for name, child in getattr(command, "commands", {}).items():
        yield from paths(child, (*words, name))


def test_the_module_is_the_command_too() -> None:
    done = subprocess.run([sys.executable, "-m", "matapalo", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"matapalo {version('matapalo')}\n"


def test_the_overview_names_every_command(matapalo: Command) -> None:
    overview = matapalo("-h").stdout
    for words in paths():
        assert len(words) != 1 or words[0] in overview


@pytest.mark.parametrize("words", list(paths()), ids=" ".join)
def test_every_command_has_help(matapalo: Command, words: tuple[str, ...]) -> None:
    result = matapalo(*words, "-h")
    assert (result.returncode, result.stderr) == (0, "")
    assert "Usage: matapalo" in result.stdout


def test_a_misspelt_command_is_wrong_usage(matapalo: Command) -> None:
    result = matapalo("roll-out")
    assert (result.returncode, "No such command 'roll-out'" in result.stderr) == (2, True)


def test_the_overview_loads_nothing_heavy() -> None:
    code = "import sys; from matapalo.cli.main import commands_of_the_project as load; load(); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"httpx", "jwt", "cryptography", "pydantic", "psutil", "rich", "strawberry", "temporalio", "fastapi"}
    assert heavy.isdisjoint(modules)
