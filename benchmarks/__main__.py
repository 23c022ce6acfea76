"""`python -m benchmarks`: start everything, check that all respond alike, load one after the other, print the ratios.

Exits with 0, with 1 when `--check` finds the goal missed, with 2 when there is nothing to print, with 130 after Ctrl-C.
"""

import dataclasses
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from benchmarks import machine, report
from benchmarks.errors import BenchmarkError
from benchmarks.load import generator
from benchmarks.options import Options, parse
from benchmarks.platform import OTHERS, contestant, ours, platform, token
from benchmarks.rounds import compare, tell
from benchmarks.workloads import WORKLOADS

ENDINGS = (signal.SIGINT, signal.SIGTERM)


def main(arguments: Sequence[str]) -> int:
    """The whole program; its exit code."""
    options = parse(arguments)
    facts = machine.facts()
    for ending in ENDINGS:  # ours even where a script's `&` made SIGINT ignored
        signal.signal(ending, _interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            scores = run(options, Path(folder))
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("benchmarks: interrupted; what was started is stopped", file=sys.stderr)
        return 130
    print(f"{report.tables(scores)}\n\n{machine.sentence(facts)}\n{report.verdict(scores)}")
    if options.json_file is not None:
        content = {"machine": facts, "options": dataclasses.asdict(options), **report.as_json(scores)}
        options.json_file.write_text(json.dumps(content, indent=2, default=str) + "\n")
    return 1 if options.check and not report.is_met(scores) else 0


def run(options: Options, folder: Path) -> report.Scores:
    """Everything between the first process started and the last one stopped."""
    with ExitStack() as stack:
        try:
            offer = stack.enter_context(generator())
            tell(f"starting the platform (ports + {options.port_offset})")
            base = stack.enter_context(platform(folder, options.port_offset))
            tell(f"starting {' and '.join(OTHERS)}")
            contestants = [ours(base), *(stack.enter_context(contestant(name, base, folder)) for name in OTHERS)]
            return {
                name: compare(name, token(base, WORKLOADS[name].who), contestants, offer, options)
                for name in options.workloads
            }
        finally:
            _ignore_signals()
            tell("stopping")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    _ignore_signals()  # once is enough: the way out stops every process
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
