"""`python -m benchmarks.limits`: the limiter beside `limits` and `throttled-py` — CPU of a check, bytes, accuracy.

Exits with 1 when `--check` finds a goal missed. Goals: a check of all policies costs at most 1.3 times a PING by the
same client, 0.75 with 32 in flight; at most 1/2.5 of `limits` with three windows; at most 400 bytes a subject; no
rolling window above the limit, no less than an exact log of a window a tenth longer, hints exact.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import uvloop

from benchmarks import accuracy, machine
from benchmarks.checks import IN_FLIGHT, Checked, measured
from benchmarks.child import free_port, listens, running
from benchmarks.report import table
from benchmarks.rounds import tell
from matapalo.launcher.engines import valkey

OURS, LIMITS = "ours, everything", "limits, sliding counter, 3 windows"
GOALS = {"alone": 1.3, "together": 0.75, "limits": 1 / 2.5, "bytes": 400}


def main(arguments: Sequence[str]) -> int:
    """The whole program; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits", description=__doc__, allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S", help="of one round of one contestant")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a goal is missed")
    options = parser.parse_args(arguments)
    facts = machine.facts()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        # Not durable: what is compared is the decision, not the disk.
        command = [*valkey.command(port=port, data_dir=folder), "--appendonly", "no"]
        with running("valkey", command, folder=folder, ready=listens(port)):
            url = f"redis://127.0.0.1:{port}"
            checks = uvloop.run(measured(url, rounds=options.rounds, seconds=options.seconds, tell=tell))
    tell("accuracy")
    accurate, broken = accuracy.measured(), accuracy.broken_promises()
    missed = [*missed_goals(checks), *broken]
    print(f"{costs(checks)}\n\n{shares(accurate)}\n\n{machine.sentence(facts)}\n{conclusion(checks, missed)}")
    if options.json is not None:
        content = {
            "machine": facts,
            "checks": {contestant: asdict(checked) for contestant, checked in checks.items()},
            "accuracy": {who: {kind: asdict(cell) for kind, cell in row.items()} for who, row in accurate.items()},
            "missed": missed,
        }
        options.json.write_text(json.dumps(content, indent=2, default=str) + "\n")
    return 1 if options.check and missed else 0


def costs(checks: Mapping[str, Checked]) -> str:
    """The table of CPU and bytes."""
    header = ("a check", "client µs", "of PING", "store µs", f"{IN_FLIGHT} at once: client µs", "of PING", "store µs",
              "bytes a subject")  # fmt: skip
    rows = [
        (
            name,
            f"{checked.alone.client_us:.0f}", f"{checked.alone.of_ping:.2f}", f"{checked.alone.store_us:.0f}",
            f"{checked.together.client_us:.0f}", f"{checked.together.of_ping:.2f}", f"{checked.together.store_us:.0f}",
            f"{checked.bytes_a_subject}" if checked.bytes_a_subject else "",
        )
        for name, checked in checks.items()
    ]  # fmt: skip
    return table(header, rows)


def shares(accurate: Mapping[str, Mapping[str, accuracy.Accuracy]]) -> str:
    """The table of accuracy."""
    kinds = list(next(iter(accurate.values())))
    rows = [
        (who, *(f"{row[kind].allowed_share:.2f}; {row[kind].worst_share:.2f}" for kind in kinds))
        for who, row in accurate.items()
    ]
    return table(("allowed of exact; worst window of limit", *kinds), rows)


def missed_goals(checks: Mapping[str, Checked]) -> list[str]:
    """What costs too much."""
    figures = measured_goals(checks)
    return [f"{name} {figures[name]:.2f} > {goal:.2f}" for name, goal in GOALS.items() if figures[name] > goal]


def measured_goals(checks: Mapping[str, Checked]) -> dict[str, float]:
    """The figures that have a goal."""
    ours, theirs = checks[OURS], checks[LIMITS]
    return {
        "alone": ours.alone.of_ping,
        "together": ours.together.of_ping,
        "limits": ours.together.client_us / theirs.together.client_us,
        "bytes": float(ours.bytes_a_subject),
    }


def conclusion(checks: Mapping[str, Checked], missed: Sequence[str]) -> str:
    """The result in one sentence."""
    now = measured_goals(checks)
    return (
        f"ours costs {now['alone']:.2f} of a PING (goal ≤ 1.3), {now['together']:.2f} with {IN_FLIGHT} in flight "
        f"(≤ 0.75), {now['limits']:.2f} of limits with three windows (≤ 0.4), {now['bytes']:.0f} bytes (≤ 400): "
        + (f"MISSED: {'; '.join(missed)}" if missed else "met; every promise of accuracy kept")
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
