"""The figures of the strangler's benchmark as text, and whether they meet the goals."""

from typing import Any

from benchmarks.report import table

HOP_GOAL = 1 / 15


def text(figures: dict[str, Any]) -> str:
    """Tables and sentences in Markdown."""
    rows = [
        (h["name"], f"{h['rps']:.0f}", f"{h['p50_us']:.0f}", f"{h['p99_us']:.0f}", f"{h['cpu_us']:.0f}")
        for h in figures["hop"]
    ]
    changes = [
        (name, *(f"{spread[part]:.1f}" for part in ("p50", "p99", "max")))
        for name, spread in figures["change_ms"].items()
    ]
    flipped, scaled = figures["flips"], figures["scale"]
    return "\n\n".join(
        [
            "### The hop\n\n" + table(("proxy", "requests/s", "p50 µs", "p99 µs", "CPU µs/request"), rows),
            f"Envoy needs 1/{1 / figures['hop_cpu_ratio']:.0f} of the proxy's CPU per request "
            f"(goal: 1/{1 / HOP_GOAL:.0f}).",
            "### From the write of a percentage to its effect\n\n"
            + table(("table", "p50 ms", "p99 ms", "max ms"), changes),
            f"{flipped['changes']} changes under load: {flipped['requests']} requests, "
            f"{flipped['fault'] or '0 failed'}.",
            f"500 routes with 50 users each: the whole table is live after {scaled['whole_table_s']:.2f} s, a change "
            f"of one route after {scaled['one_route_s']:.2f} s; Envoy has {scaled['rss_mb']:.0f} MB "
            f"({scaled['rss_before_mb']:.0f} MB before).",
        ]
    )


def is_met(figures: dict[str, Any]) -> bool:
    """Whether the goals hold."""
    return bool(figures["hop_cpu_ratio"] <= HOP_GOAL and figures["flips"]["fault"] is None)
