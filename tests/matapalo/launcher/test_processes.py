"""The process table is sound: what the supervisor takes for granted."""

import pytest

from matapalo.launcher.errors import UnknownName
from matapalo.launcher.platform import Platform
from matapalo.launcher.processes import named, table
from tests.harness.shop import SHOP

PROCESSES = table(SHOP)
NAMES = [row.name for row in PROCESSES]


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_a_process_needs_only_what_stands_above_it_in_the_table() -> None:
    for index, row in enumerate(PROCESSES):
        assert set(row.needs) <= set(NAMES[:index]), row.name


def test_nothing_is_stopped_before_what_needs_it() -> None:
    for row in PROCESSES:
        assert all(named(PROCESSES, need).layer <= row.layer for need in row.needs), row.name


def test_each_row_is_an_engine_or_a_program_of_ours() -> None:
    for row in PROCESSES:
        assert bool(row.program) != bool(row.engine), row.name
        assert bool(row.sources) != bool(row.engine), row.name
        assert all(folder.is_dir() for folder in row.sources), row.name


def test_only_what_runs_the_projects_code_watches_it() -> None:
    ours = {row.name: {folder.name for folder in row.sources} for row in PROCESSES if row.program[:1] == ("matapalo",)}
    assert {name for name, folders in ours.items() if folders == {"matapalo"}} == {
        "control",
        "agent",
        "compare",
        "rollouts",
    }
    assert {name for name, folders in ours.items() if folders == {"matapalo", "bff"}} == {*SHOP.clients, "worker"}


def test_every_program_is_called_by_an_absolute_path(local: Platform) -> None:
    for row in PROCESSES:
        if row.program:
            assert row.command(local)[0].startswith("/")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="valkey, postgres"):
        named(PROCESSES, "nonsense")
