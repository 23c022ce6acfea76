"""`benchmarks.options`: what the command line means, and what it answers to a wrong value."""

from pathlib import Path

import pytest

from benchmarks.options import parse
from benchmarks.workloads import WORKLOADS


def test_without_arguments_everything_is_measured_thoroughly() -> None:
    options = parse([])

    assert options.workloads == tuple(WORKLOADS)
    assert (options.rounds, options.seconds, options.concurrency, options.port_offset) == (5, 2.0, 4, 900)
    assert options.json_file is None
    assert not options.check


def test_quick_is_short_and_gives_way_to_what_is_said() -> None:
    assert (parse(["--quick"]).rounds, parse(["--quick"]).seconds) == (2, 0.5)
    assert (parse(["--quick", "--rounds", "3"]).rounds, parse(["--rounds", "3", "--quick"]).seconds) == (3, 0.5)


def test_only_names_workloads_and_keeps_their_order() -> None:
    assert parse(["--only", "typename,dashboard"]).workloads == ("typename", "dashboard")


def test_the_json_file_goes_where_it_is_told(tmp_path: Path) -> None:
    assert parse(["--json", str(tmp_path / "bench.json")]).json_file == tmp_path / "bench.json"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--only", "dashboard,hoem"], "no workload is called 'hoem': choose from dashboard, home, typename, orders"),
        (["--only", ""], "no workload is called ''"),
        (["--rounds", "0"], "argument --rounds: '0' is not a whole number from 1 to 100"),
        (["--rounds", "2.5"], "argument --rounds: '2.5' is not a whole number from 1 to 100"),
        (["--seconds", "an hour"], "argument --seconds: 'an hour' is not a number from 0.1 to 60"),
        (["--seconds", "nan"], "argument --seconds: 'nan' is not a number from 0.1 to 60"),
        (["--concurrency", "1000"], "argument --concurrency: '1000' is not a whole number from 1 to 256"),
        (["--port-offset", "950"], "argument --port-offset: '950' is not a multiple of 100 from 100 to 900"),
        (["--json", "no/such/folder/bench.json"], "argument --json: 'no/such/folder/bench.json' cannot be written"),
        (["--json", "."], "argument --json: '.' cannot be written"),
        (["--fast"], "unrecognized arguments: --fast"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_argument_is_named_with_what_would_be_right(arguments, sentence, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(arguments)

    assert ended.value.code == 2
    assert sentence in " ".join(capsys.readouterr().err.split())
