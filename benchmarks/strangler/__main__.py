"""`python -m benchmarks.strangler`: what Envoy's hop costs, and how fast the table of routes becomes traffic.

    hop       CPU per request of Envoy with our tables, and of a FastAPI + httpx proxy that decides alike, in turns, in
              front of the same upstream (an Envoy with a fixed response)
    change    from the write of a percentage to the first request that follows it, with 7 and with 200 routes
    flips     100 changes under load: requests that failed
    scale     500 routes with 50 named users each: from the write to the read-back, Envoy's memory

Valkey, `matapalo gateway agent` and Envoy are the real processes, on ports and in a folder of their own. Exit code 1
with `--check` when a goal is missed.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks import machine
from benchmarks.errors import BenchmarkError
from benchmarks.load import generator
from benchmarks.rounds import tell
from benchmarks.strangler.changes import change_to_effect_ms, flips, scale
from benchmarks.strangler.gateway import gateway, routes
from benchmarks.strangler.hop import hop
from benchmarks.strangler.report import is_met, text


def run(folder: Path, *, quick: bool) -> dict[str, Any]:
    """The figures of all four."""
    rounds, seconds, changes = (1, 1.0, 10) if quick else (3, 3.0, 60)
    with generator() as offer:
        with gateway(folder / "small", routes(7)) as small:
            tell("the hop")
            hops = hop(small, offer, rounds=rounds, seconds=seconds)
            tell("changes")
            few = change_to_effect_ms(small, changes=changes)
            tell("flips under load")
            flipped = flips(small, offer)
            tell("500 routes")
            scaled = scale(small)
        with gateway(folder / "large", routes(200)) as large:
            tell("changes of one in 200 routes")
            many = change_to_effect_ms(large, changes=changes)
    return {
        "hop": [proxy._asdict() for proxy in hops],
        "hop_cpu_ratio": hops[0].cpu_us / hops[1].cpu_us,
        "change_ms": {"7 routes": _spread(few), "200 routes": _spread(many)},
        "flips": flipped._asdict(),
        "scale": scaled._asdict(),
    }


def _spread(took: Sequence[float]) -> dict[str, float]:
    return {"p50": median(took), "p99": quantiles(took, n=100, method="inclusive")[98], "max": max(took)}


def main(arguments: Sequence[str]) -> int:
    """The whole program; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.strangler", allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="to see that it runs, not to quote")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a goal is missed")
    options = parser.parse_args(arguments)
    facts = machine.facts()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            figures = run(Path(folder), quick=options.quick)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    print(f"{text(figures)}\n\n{machine.sentence(facts)}")
    if options.json is not None:
        options.json.write_text(json.dumps({"machine": facts, **figures}, indent=2, default=str) + "\n")
    return 1 if options.check and not is_met(figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
