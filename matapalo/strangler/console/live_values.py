"""The figures that change while a page is open: the same function fills the page and its live updates.

texts    "orders/p95-new": "41"        the text of the element with this `data-cell`
kinds    "orders/verdict": "fail"      its `data-kind`, which style sheets colour
widths   "orders/split": "25%"         the width of the SVG rectangle with this `data-width`
"""

from collections.abc import Iterable

import msgspec

from matapalo.strangler.console import formatting as figures
from matapalo.strangler.console.ports import Rollout, RolloutState, Watched
from matapalo.strangler.console.snapshot import Snapshot
from matapalo.strangler.routing.route import WHOLE_BP, Route
from matapalo.strangler.routing.share import format_share
from matapalo.strangler.verdict import Outcome

_ROLLOUT_GLYPHS = {
    RolloutState.RUNNING: "▶",
    RolloutState.HELD: "Ⅱ",
    RolloutState.WAITING: "?",
    RolloutState.PAUSED: "Ⅱ",
    RolloutState.DONE: "✓",
    RolloutState.ROLLED_BACK: "↩",
}
_ROLLOUT_KINDS = {
    RolloutState.RUNNING: "run",
    RolloutState.HELD: "hold",
    RolloutState.WAITING: "hold",
    RolloutState.PAUSED: "hold",
    RolloutState.DONE: "pass",
    RolloutState.ROLLED_BACK: "fail",
}


class Cells(msgspec.Struct):
    """See the module."""

    texts: dict[str, str] = {}
    kinds: dict[str, str] = {}
    widths: dict[str, str] = {}

    def since(self, before: "Cells") -> "Cells":
        """Only what is not as it was."""
        return Cells(
            *({name: new for name, new in now.items() if was.get(name) != new} for now, was in zip(
                (self.texts, self.kinds, self.widths), (before.texts, before.kinds, before.widths), strict=True
            ))
        )  # fmt: skip


def cells_of(snapshot: Snapshot) -> Cells:
    """Every live figure of every page."""
    cells = Cells()
    table, watched = snapshot.table.value, snapshot.watched.or_else({})
    rollouts = snapshot.rollouts.or_else({})
    routes = table.routes if table else ()
    for route in routes:
        _share(cells, route)
        _watched(cells, route.name, watched.get(route.name))
        _rollout(cells, route.name, rollouts.get(route.name))
    _summary(cells, snapshot, routes, [watched[route.name] for route in routes if route.name in watched])
    return cells


def _share(cells: Cells, route: Route) -> None:
    cells.texts[f"{route.name}/share"] = figures.share(route.share_bp)
    cells.texts[f"{route.name}/rest"] = figures.share(WHOLE_BP - route.share_bp)
    cells.widths[f"{route.name}/split"] = format_share(route.share_bp, space="")


def _watched(cells: Cells, name: str, watched: Watched | None) -> None:
    if watched is None:
        for figure in ("rate", "p95-legacy", "p95-new", "errors-legacy", "errors-new", "same"):
            cells.texts[f"{name}/{figure}"] = figures.NOTHING
        cells.texts[f"{name}/verdict"], cells.kinds[f"{name}/verdict"] = "no traffic", "none"
        return
    point = watched.point
    cells.texts |= {
        f"{name}/rate": figures.rate(point.legacy.rate + point.new.rate),
        f"{name}/p95-legacy": figures.milliseconds(point.legacy.p95_ms),
        f"{name}/p95-new": figures.milliseconds(point.new.p95_ms),
        f"{name}/errors-legacy": figures.percent(point.legacy.error_share),
        f"{name}/errors-new": figures.percent(point.new.error_share),
        f"{name}/same": figures.percent(watched.same_share),
        f"{name}/verdict": figures.verdict(watched.verdict),
    }
    cells.texts |= {f"{name}/because-{finding.gate}": finding.because for finding in watched.findings}
    cells.kinds[f"{name}/verdict"] = watched.verdict.lower()
    cells.kinds[f"{name}/errors-new"] = "fail" if _errs_more(watched) else ""


def _errs_more(watched: Watched) -> bool:
    return any(
        finding.gate in ("ceiling", "errors") and finding.verdict is Outcome.FAIL for finding in watched.findings
    )


def _rollout(cells: Cells, name: str, rollout: Rollout | None) -> None:
    if rollout is None:
        cells.texts[f"{name}/rollout"], cells.kinds[f"{name}/rollout"] = figures.NOTHING, "none"
        return
    cells.texts[f"{name}/rollout"] = f"{_ROLLOUT_GLYPHS[rollout.state]} {rollout.state}"
    cells.kinds[f"{name}/rollout"] = _ROLLOUT_KINDS[rollout.state]


def _summary(cells: Cells, snapshot: Snapshot, routes: Iterable[Route], watched: Iterable[Watched]) -> None:
    routes, points = list(routes), [found.point for found in watched]
    new, legacy = sum(point.new.rate for point in points), sum(point.legacy.rate for point in points)
    part = new / (new + legacy) if new + legacy else None
    states = [rollout.state for rollout in snapshot.rollouts.or_else({}).values()]
    cells.texts |= {
        "all/routes": str(len(routes)),
        "all/on-new": str(sum(route.share_bp == WHOLE_BP for route in routes)),
        "all/rolling": str(states.count(RolloutState.RUNNING)),
        "all/held": str(sum(_ROLLOUT_KINDS[state] == "hold" for state in states)),
        "all/failing": str(sum(found.verdict is Outcome.FAIL for found in snapshot.watched.or_else({}).values())),
        "all/new-share": figures.percent(part),
        "all/rate": figures.rate(new + legacy),
    }
    cells.widths["all/new-share"] = f"{(part or 0) * 100:.1f}%"
    cells.kinds["all/failing"] = "fail" if cells.texts["all/failing"] != "0" else ""
    live = snapshot.liveness.value
    cells.texts["all/live"] = f"live on {live.nodes_live} of {live.nodes} nodes" if live else "nodes unknown"
    cells.kinds["all/live"] = "pass" if live and live.nodes and live.nodes_live == live.nodes else "hold"
