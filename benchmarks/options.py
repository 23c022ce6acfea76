"""What `python -m benchmarks` takes on its command line. A bad value ends the program with 2 and names the option."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.workloads import WORKLOADS

QUICK = (2, 0.5)
THOROUGH = (5, 2.0)
OFFSETS = tuple(str(offset) for offset in range(100, 1000, 100))


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``seconds`` is the length of one round; a round also ends after ``max_requests``."""

    rounds: int
    seconds: float
    max_requests: int
    concurrency: int
    workloads: tuple[str, ...]
    port_offset: int
    json_file: Path | None
    check: bool


def parse(arguments: Sequence[str]) -> Options:
    """The options of a command line; SystemExit(2) with one sentence for a wrong one."""
    parsed = _parser().parse_args(arguments)
    rounds, seconds = QUICK if parsed.quick else THOROUGH
    return Options(
        rounds=parsed.rounds or rounds,
        seconds=parsed.seconds or seconds,
        max_requests=parsed.max_requests,
        concurrency=parsed.concurrency,
        workloads=parsed.only or tuple(WORKLOADS),
        port_offset=parsed.port_offset,
        json_file=parsed.json,
        check=parsed.check,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Starts the platform and the contestants, measures them side by side and prints the ratios.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--rounds", type=_within(int, 1, 100), metavar="N", help=f"rounds a contestant and workload ({THOROUGH[0]})")
    add("--seconds", type=_within(float, 0.1, 60), metavar="S", help=f"length of a round ({THOROUGH[1]:g})")
    add("--quick", action="store_true", help=f"{QUICK[0]} rounds of {QUICK[1]:g} s: to see that it runs, not to quote")
    add(
        "--max-requests",
        type=_within(int, 1, 1_000_000),
        default=20_000,
        metavar="N",
        help="a round ends there (20000)",
    )
    add("--concurrency", type=_within(int, 1, 256), default=4, metavar="N", help="connections kept busy (4)")
    add("--only", type=_workloads, metavar="NAME,…", help=f"of {', '.join(WORKLOADS)}")
    add("--port-offset", type=_offset, default=900, metavar="N", help="of the platform that is started (900)")
    add("--json", type=_writable, metavar="FILE", help="write every round and the machine's facts there")
    add("--check", action="store_true", help="exit with 1 when the goal is missed")
    return parser


def _within(kind: type[int] | type[float], low: float, high: float) -> Callable[[str], float]:
    kind_name = "a whole number" if kind is int else "a number"

    def convert(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not {kind_name} from {low:g} to {high:g}")
        return value

    return convert


def _offset(text: str) -> int:
    if text not in OFFSETS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a multiple of 100 from 100 to 900")
    return int(text)


def _workloads(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in WORKLOADS:
            raise argparse.ArgumentTypeError(f"no workload is called {name!r}: choose from {', '.join(WORKLOADS)}")
    return names


def _writable(text: str) -> Path:
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written: it needs a file name in an existing folder")
    return path
