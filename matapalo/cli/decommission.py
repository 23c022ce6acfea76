"""`matapalo decommission report|apply`: whether the old side of a route is dead, and its removal."""

from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType

from matapalo.cli.admin_client import Admin
from matapalo.cli.options import DATA_DIR, DataDirOption, JsonOption, WatchOption, running, show, table
from matapalo.cli.routes import ReasonOption, RouteArgument, follow

CALLERS = 10


def register(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    group = typer.Typer(help="Prove that an old side is dead, and remove it.", no_args_is_help=True)
    group.command("report")(report)
    group.command("apply")(apply)
    app.add_typer(group, name="decommission")


def report(
    route: Annotated[str | None, typer.Argument(help="A route's name, or a path; none: all.")] = None,
    as_json: JsonOption = False,
    watch: WatchOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Say READY or NOT READY, why, and who still reaches the old side."""
    with Admin(running(data_dir)) as admin:
        if route is None:
            show(lambda: admin.get("/decommission")["routes"], _rendered_all, as_json=as_json, watch=watch)
            return
        path = f"/routes/{admin.route(route)['name']}/decommission"
        show(lambda: admin.get(path), _rendered, as_json=as_json, watch=watch)


def apply(
    route: RouteArgument, reason: ReasonOption, as_json: JsonOption = False, data_dir: DataDirOption = DATA_DIR
) -> None:
    """Remove the branch to the old side; refused while the report says NOT READY."""
    with Admin(running(data_dir)) as admin:
        found = admin.route(route)
        path = f"/routes/{found['name']}/decommission"
        change = admin.send("POST", path, {"why": reason}, if_match=f'"{found["revision"]}"')
        nodes = follow(admin, change["version"])
    answer = {**change, "nodes": nodes}
    show(
        lambda: answer,
        lambda _: (
            f"{change['route']}, version {change['version']}: the branch to {found['legacy']} is removed; live on "
            f"{nodes['live']} of {nodes['nodes']} nodes"
        ),
        as_json=as_json,
    )


def _verdict(found: Any) -> str:
    if found["is_retired"]:
        return "REMOVED"
    return "READY" if found["is_ready"] else "NOT READY"


def _rendered_all(reports: Any) -> RenderableType:
    rows = [
        (
            found["route"],
            _verdict(found),
            (found["last_hit"] or "never")[:19].replace("T", " "),
            next((need["because"] for need in found["requirements"] if not need["is_met"]), ""),
        )
        for found in reports
    ]
    return table(("ROUTE", "VERDICT", "LAST HIT (UTC)", "BECAUSE"), rows)


def _rendered(found: Any) -> RenderableType:
    needs = [("✓" if need["is_met"] else "✗", need["because"]) for need in found["requirements"]]
    parts: list[RenderableType] = [f"{found['route']}: {_verdict(found)}", "", table(("", "REQUIREMENT"), needs)]
    if found["callers"]:
        headings = ("CLIENT", "VERSION", "USER AGENT", "REQUESTS", "WRITES", "FALLBACKS", "LAST SEEN (UTC)")
        rows = [
            (
                caller["client"] or "-",
                caller["version"] or "-",
                caller["user_agent"][:40] or "-",
                *(str(caller[name]) for name in ("count", "writes", "fallbacks")),
                caller["last_seen"][:19].replace("T", " "),
            )
            for caller in found["callers"][:CALLERS]
        ]
        parts += ["", table(headings, rows, right=("REQUESTS", "WRITES", "FALLBACKS"))]
        if len(found["callers"]) > CALLERS:
            parts.append(f"and {len(found['callers']) - CALLERS} more (--json has all)")
    return Group(*parts)
