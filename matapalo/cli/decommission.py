"""`matapalo decommission report|apply`: whether the old side of a route is dead, and its removal."""

from typing import TYPE_CHECKING, Any

import typer

from matapalo.cli.options import (
    DATA_DIR,
    DataDirOption,
    JsonOption,
    OptionalRouteArgument,
    ReasonOption,
    RouteArgument,
    WatchOption,
    control_plane,
)
from matapalo.cli.output import show, table
from matapalo.cli.routes import wait_until_live

if TYPE_CHECKING:
    from rich.console import RenderableType

MAX_CALLERS = 10


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Prove that an old side is dead, and remove it.", no_args_is_help=True)
    group.command("report")(report)
    group.command("apply")(apply)
    app.add_typer(group, name="decommission")


def report(
    route: OptionalRouteArgument = None,
    as_json: JsonOption = False,
    watch: WatchOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Say READY or NOT READY, why, and who still reaches the old side."""
    with control_plane(data_dir) as admin:
        if route is None:
            show(lambda: admin.get("/decommission")["routes"], _rendered_all, as_json=as_json, watch=watch)
            return
        path = f"/routes/{admin.route(route)['name']}/decommission"
        show(lambda: admin.get(path), _rendered, as_json=as_json, watch=watch)


def apply(
    route: RouteArgument, reason: ReasonOption, as_json: JsonOption = False, data_dir: DataDirOption = DATA_DIR
) -> None:
    """Remove the branch to the old side; refused while the report says NOT READY."""
    with control_plane(data_dir) as admin:
        row = admin.route(route)
        path = f"/routes/{row['name']}/decommission"
        change = admin.send("POST", path, {"why": reason}, if_match=f'"{row["revision"]}"')
        nodes = wait_until_live(admin, change["version"])
    show(
        lambda: {**change, "nodes": nodes},
        lambda _: (
            f"{change['route']}, version {change['version']}: the branch to {row['legacy']} is removed; live on "
            f"{nodes['live']} of {nodes['nodes']} nodes"
        ),
        as_json=as_json,
    )


def _verdict(report: Any) -> str:
    if report["is_retired"]:
        return "REMOVED"
    return "READY" if report["is_ready"] else "NOT READY"


def _rendered_all(reports: Any) -> "RenderableType":
    rows = [
        (
            report["route"],
            _verdict(report),
            (report["last_hit"] or "never")[:19].replace("T", " "),
            next((need["because"] for need in report["requirements"] if not need["is_met"]), ""),
        )
        for report in reports
    ]
    return table(("ROUTE", "VERDICT", "LAST HIT (UTC)", "BECAUSE"), rows)


def _rendered(report: Any) -> "RenderableType":
    from rich.console import Group

    needs = [("✓" if need["is_met"] else "✗", need["because"]) for need in report["requirements"]]
    parts: list[RenderableType] = [f"{report['route']}: {_verdict(report)}", "", table(("", "REQUIREMENT"), needs)]
    if report["callers"]:
        headings = ("CLIENT", "VERSION", "USER AGENT", "REQUESTS", "WRITES", "FALLBACKS", "LAST SEEN (UTC)")
        rows = [
            (
                caller["client"] or "-",
                caller["version"] or "-",
                caller["user_agent"][:40] or "-",
                *(str(caller[name]) for name in ("count", "writes", "fallbacks")),
                caller["last_seen"][:19].replace("T", " "),
            )
            for caller in report["callers"][:MAX_CALLERS]
        ]
        parts += ["", table(headings, rows, right=("REQUESTS", "WRITES", "FALLBACKS"))]
        if len(report["callers"]) > MAX_CALLERS:
            parts.append(f"and {len(report['callers']) - MAX_CALLERS} more (--json has all)")
    return Group(*parts)
