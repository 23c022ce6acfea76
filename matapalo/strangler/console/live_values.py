"""The values that change while a page is open: the same function fills the page and its live updates.

texts    "things/p95-new": "41"        the text of the element with this `data-cell`
kinds    "things/verdict": "fail"      its `data-kind`, which style sheets colour
widths   "things/split": "25%"         the width of the SVG rectangle with this `data-width`
"""

import msgspec

from matapalo.strangler.console import formatting
from matapalo.strangler.console.presenters import PHASES, RouteMetrics
from matapalo.strangler.console.snapshot import Snapshot
from matapalo.strangler.rollout.messages import RolloutPhase, RolloutState
from matapalo.strangler.routing.route import WHOLE_BP
from matapalo.strangler.routing.share import format_share
from matapalo.strangler.verdict.checks import Outcome


class LiveValues(msgspec.Struct):
    texts: dict[str, str] = {}
    kinds: dict[str, str] = {}
    widths: dict[str, str] = {}

    def since(self, before: "LiveValues") -> "LiveValues":
        return LiveValues(
            *({name: new for name, new in now.items() if was.get(name) != new} for now, was in zip(
                (self.texts, self.kinds, self.widths), (before.texts, before.kinds, before.widths), strict=True
            ))
        )  # fmt: skip


def live_values(snapshot: Snapshot) -> LiveValues:
    live = LiveValues()
    metrics, rollouts = snapshot.metrics.or_else({}), snapshot.rollouts.or_else({})
    for route in snapshot.table.value.routes if snapshot.table.value else ():
        live.texts[f"{route.name}/share"] = formatting.share(route.share_bp)
        live.texts[f"{route.name}/rest"] = formatting.share(WHOLE_BP - route.share_bp)
        live.widths[f"{route.name}/split"] = format_share(route.share_bp, space="")
        _add_metrics(live, route.name, metrics.get(route.name))
        _add_rollout(live, route.name, rollouts.get(route.name))
    _add_summary(live, snapshot)
    return live


def _add_metrics(live: LiveValues, name: str, metrics: RouteMetrics | None) -> None:
    if metrics is None:
        for cell in ("rate", "p95-legacy", "p95-new", "errors-legacy", "errors-new", "same"):
            live.texts[f"{name}/{cell}"] = formatting.NOTHING
        live.texts[f"{name}/verdict"], live.kinds[f"{name}/verdict"] = "no traffic", "none"
        return
    legacy, new = metrics.point.legacy, metrics.point.new
    checks = metrics.verdict.checks
    live.texts |= {
        f"{name}/rate": formatting.rate(legacy.per_second + new.per_second),
        f"{name}/p95-legacy": formatting.milliseconds(legacy.p95_ms),
        f"{name}/p95-new": formatting.milliseconds(new.p95_ms),
        f"{name}/errors-legacy": formatting.percent(legacy.error_share),
        f"{name}/errors-new": formatting.percent(new.error_share),
        f"{name}/same": formatting.percent(metrics.same_share),
        f"{name}/verdict": formatting.verdict(metrics.verdict.outcome),
        **{f"{name}/because-{check.name}": check.because for check in checks},
    }
    fails_more = any(check.name in ("ceiling", "errors") and check.outcome is Outcome.FAIL for check in checks)
    live.kinds[f"{name}/verdict"] = metrics.verdict.outcome.lower()
    live.kinds[f"{name}/errors-new"] = "fail" if fails_more else ""


def _add_rollout(live: LiveValues, name: str, rollout: RolloutState | None) -> None:
    label = PHASES[rollout.phase] if rollout else None
    live.texts[f"{name}/rollout"] = f"{label.glyph} {label.words}" if label else formatting.NOTHING
    live.kinds[f"{name}/rollout"] = label.kind if label else "none"


def _add_summary(live: LiveValues, snapshot: Snapshot) -> None:
    routes = snapshot.table.value.routes if snapshot.table.value else ()
    metrics = snapshot.metrics.or_else({})
    points = [metrics[route.name].point for route in routes if route.name in metrics]
    new, legacy = sum(point.new.per_second for point in points), sum(point.legacy.per_second for point in points)
    part = new / (new + legacy) if new + legacy else None
    phases = [rollout.phase for rollout in snapshot.rollouts.or_else({}).values()]
    failing = sum(route_metrics.verdict.outcome is Outcome.FAIL for route_metrics in metrics.values())
    live.texts |= {
        "all/routes": str(len(routes)),
        "all/on-new": str(sum(route.share_bp == WHOLE_BP for route in routes)),
        "all/rolling": str(phases.count(RolloutPhase.RUNNING)),
        "all/held": str(sum(PHASES[phase].kind == "hold" for phase in phases)),
        "all/failing": str(failing),
        "all/new-share": formatting.percent(part),
        "all/rate": formatting.rate(new + legacy),
    }
    live.widths["all/new-share"] = f"{(part or 0) * 100:.1f}%"
    live.kinds["all/failing"] = "fail" if failing else ""
    nodes = snapshot.nodes.value
    count = len(nodes.reports) if nodes else 0
    live.texts["all/live"] = f"live on {nodes.live} of {count} nodes" if nodes else "nodes unknown"
    live.kinds["all/live"] = "pass" if nodes and count and nodes.live == count else "hold"
