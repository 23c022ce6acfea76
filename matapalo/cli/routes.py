"""`matapalo routes …`: the table of the strangler, and its changes. Over the admin API; a route is named by its name or
by a path.

A change is made from what the table says now, needs a reason, and is followed until every node obeys it.
"""

import time
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matapalo.cli.options import (
    DATA_DIR,
    DataDirOption,
    JsonOption,
    OptionalRouteArgument,
    ReasonOption,
    RouteArgument,
    Side,
    WatchOption,
    control_plane,
)
from matapalo.cli.output import show, table
from matapalo.launcher.errors import BadInput
from matapalo.strangler.errors import InvalidChange
from matapalo.strangler.routing.share import format_share, parse_share

if TYPE_CHECKING:
    from rich.console import RenderableType

    from matapalo.cli.admin_client import Admin

LIVE_WITHIN_S = 5.0


class Writes(StrEnum):
    """Which side gets them; ``share`` lets them follow the share (only at 0 and 100 %)."""

    NEW = "new"
    LEGACY = "legacy"
    SHARE = "share"


RevisionOption = Annotated[
    int | None, typer.Option("--if-revision", help="Only if the route is still at this revision (routes show).")
]


def register(app: typer.Typer) -> None:
    routes = typer.Typer(help="The routes that are being moved to new services.", no_args_is_help=True)
    routes.command("list")(list_)
    routes.command("show")(show_)
    routes.command("set")(set_)
    routes.command("complete")(complete)
    routes.command("rollback")(rollback)
    routes.command("history")(history)
    routes.command("explain")(explain)
    app.add_typer(routes, name="routes")


def list_(
    as_json: JsonOption = False,
    as_toml: Annotated[bool, typer.Option("--toml", help="As a routes.toml that would seed this table.")] = False,
    watch: WatchOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Show all routes and where the table is live."""
    with control_plane(data_dir) as admin:
        if as_toml:
            print(admin.text("/routes.toml"), end="")
            return
        show(
            lambda: {**admin.get("/routes"), "nodes": admin.get("/nodes")},
            _rendered_table,
            as_json=as_json,
            watch=watch,
        )


def show_(
    route: RouteArgument, as_json: JsonOption = False, watch: WatchOption = False, data_dir: DataDirOption = DATA_DIR
) -> None:
    """Show one route with its rules and its last change."""
    with control_plane(data_dir) as admin:

        def read() -> Any:
            row = admin.route(route)
            changes = admin.get(f"/routes/{row['name']}/history", limit=1)["changes"]
            return {**row, "last_change": changes[0] if changes else None, "nodes": admin.get("/nodes")}

        show(read, _rendered_route, as_json=as_json, watch=watch)


def set_(
    route: RouteArgument,
    reason: ReasonOption,
    percent: Annotated[str | None, typer.Option(help="How many of the users have the new side; steps of 0.01.")] = None,
    writes: Annotated[Writes | None, typer.Option(help="The side that gets everything but reads.")] = None,
    canary: Annotated[list[str] | None, typer.Option(help="VALUE=SIDE by x-canary; repeat it, or '' for none.")] = None,
    cohort: Annotated[list[str] | None, typer.Option(help="VALUE=SIDE by the token's cohort; likewise.")] = None,
    users: Annotated[str | None, typer.Option(help="These have the new side: a,b,c or @FILE; '' for none.")] = None,
    shadow: Annotated[str | None, typer.Option(help="Percentage whose reads are compared on both sides.")] = None,
    fallback: Annotated[bool | None, typer.Option(help="Legacy answers reads that the new side fails.")] = None,
    timeout_ms: Annotated[int | None, typer.Option(help="For the whole request.")] = None,
    retries: Annotated[int | None, typer.Option(help="Of reads that had no effect yet.")] = None,
    new: Annotated[str | None, typer.Option(help="The upstream that takes over.")] = None,
    legacy: Annotated[str | None, typer.Option(help="The upstream that is strangled.")] = None,
    if_revision: RevisionOption = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Change a route; live in well under a second."""
    fields: dict[str, Any] = {
        "share_bp": None if percent is None else _basis_points("--percent", percent),
        "canary": None if canary is None else _matches("--canary", canary),
        "cohorts": None if cohort is None else _matches("--cohort", cohort),
        "users": None if users is None else _users(users),
        "shadow_bp": None if shadow is None else _basis_points("--shadow", shadow),
        "fallback": fallback,
        "timeout_ms": timeout_ms,
        "retries": retries,
        "new": new,
        "legacy": legacy,
    }
    changes = {name: value for name, value in fields.items() if value is not None}
    if writes is not None:
        changes["writes"] = None if writes is Writes.SHARE else writes
    if not changes:
        raise BadInput("say what is to change: --percent, --writes, --users, … (see --help)")
    _change(data_dir, route, if_revision, "PATCH", "", {**changes, "why": reason}, as_json=as_json)


def complete(
    route: RouteArgument,
    reason: ReasonOption,
    if_revision: RevisionOption = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Everything to the new side: reads, writes, no exceptions, no fallback."""
    _change(data_dir, route, if_revision, "POST", "/complete", {"why": reason}, as_json=as_json)


def rollback(
    route: RouteArgument,
    reason: ReasonOption = "rolled back by hand",
    to: Annotated[int | None, typer.Option(help="As it was at this version (routes history).")] = None,
    if_revision: RevisionOption = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Restore a route as it was before its last change; again: one step further back."""
    body = {"why": reason} if to is None else {"why": reason, "to": to}
    _change(data_dir, route, if_revision, "POST", "/rollback", body, as_json=as_json)


def history(
    route: OptionalRouteArgument = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many of the last.")] = 20,
    as_json: JsonOption = False,
    watch: WatchOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Show who changed what, when and why, the newest first."""
    with control_plane(data_dir) as admin:
        path = "/history" if route is None else f"/routes/{admin.route(route)['name']}/history"
        show(lambda: admin.get(path, limit=limit)["changes"], _rendered_history, as_json=as_json, watch=watch)


def explain(
    route: RouteArgument,
    user: Annotated[str | None, typer.Option(help="Whose request; without it one of no subject.")] = None,
    method: Annotated[str, typer.Option(help="GET, POST, …")] = "GET",
    canary: Annotated[str | None, typer.Option(help="The value of x-canary.")] = None,
    cohort: Annotated[str | None, typer.Option(help="The cohort of the token.")] = None,
    force: Annotated[Side | None, typer.Option(help="The side the caller asks for.")] = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Say which side a request takes, and why."""
    with control_plane(data_dir) as admin:
        name = admin.route(route)["name"]
        query = {"user": user, "method": method.upper(), "canary": canary, "cohort": cohort, "force": force}
        show(lambda: admin.get(f"/routes/{name}/explain", **query), _rendered_explanation, as_json=as_json)


# --- changes ------------------------------------------------------------------------------------------------------


def _change(
    data_dir: Path,
    route: str,
    if_revision: int | None,
    method: str,
    action: str,
    body: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    with control_plane(data_dir) as admin:
        row = admin.route(route)
        revision = row["revision"] if if_revision is None else if_revision
        began = time.monotonic()
        change = admin.send(method, f"/routes/{row['name']}{action}", body, if_match=f'"{revision}"')
        nodes = wait_until_live(admin, change["version"])
        took_ms = (time.monotonic() - began) * 1000
    show(lambda: {**change, "nodes": nodes, "took_ms": round(took_ms)}, _rendered_change, as_json=as_json)
    if nodes["live"] < nodes["nodes"] or not nodes["nodes"]:
        raise typer.Exit(1)


def wait_until_live(admin: "Admin", version: int) -> Any:
    """The report of the nodes once all of them apply this version or a later one, or after LIVE_WITHIN_S."""
    deadline = time.monotonic() + LIVE_WITHIN_S
    while True:
        nodes = admin.get("/nodes")
        is_live = nodes["version"] >= version and 0 < nodes["nodes"] == nodes["live"]
        if is_live or time.monotonic() > deadline:
            return nodes
        time.sleep(0.02)


def _basis_points(option: str, text: str) -> int:
    try:
        return parse_share(text)
    except InvalidChange as error:
        raise BadInput(f"{option}: {error}") from error


def _matches(option: str, rules: Iterable[str]) -> list[dict[str, str]]:
    matches = []
    for text in filter(None, rules):
        value, separator, side = text.partition("=")
        if separator and side not in tuple(Side):
            raise BadInput(f"{option} {text}: write VALUE=new or VALUE=legacy")
        matches.append({"value": value, "side": side or Side.NEW})
    return matches


def _users(value: str) -> list[str]:
    try:
        text = Path(value[1:]).read_text() if value.startswith("@") else value
    except OSError as error:
        raise BadInput(f"--users {value}: {error.strerror}") from error
    return list(dict.fromkeys(text.replace(",", " ").split()))


# --- output -------------------------------------------------------------------------------------------------------


def _rendered_table(response: Any) -> "RenderableType":
    from rich.console import Group

    headings = ("NAME", "PATH", "NEW SIDE", "WRITES", "RULES", "SHADOW", "REVISION")
    rows = [
        (
            route["name"],
            route["prefix"],
            "retired" if route["retired"] else format_share(route["share_bp"]),
            route["writes"] or "follow",
            ", ".join(f"{len(route[rule])} {rule}" for rule in ("canary", "cohorts", "users") if route[rule]) or "-",
            format_share(route["shadow_bp"]) if route["shadow_bp"] else "-",
            str(route["revision"]),
        )
        for route in response["routes"]
    ]
    return Group(table(headings, rows, right=("NEW SIDE", "SHADOW", "REVISION")), "", _liveness(response["nodes"]))


def _liveness(nodes: Any) -> str:
    line = f"version {nodes['version']} is live on {nodes['live']} of {nodes['nodes']} nodes"
    problems = [
        f"{report['node']}: version {report['version']}"
        + ("" if report["is_alive"] else ", silent")
        + (f", {report['problem']}" if report["problem"] else "")
        for report in nodes["reports"]
        if not report["is_current"]
    ]
    return "\n".join([line, *problems])


def _rendered_route(route: Any) -> "RenderableType":
    from rich.console import Group

    rows = [(name, _value(name, route[name])) for name in route if name not in ("last_change", "nodes")]
    change = route["last_change"]
    last = [f"changed at version {change['version']} by {change['by']}: {change['why']}"] if change else []
    return Group(table(("FIELD", "VALUE"), rows), "", *last, _liveness(route["nodes"]))


def _value(name: str, value: Any) -> str:
    if name in ("share_bp", "shadow_bp"):
        return format_share(value)
    if name in ("canary", "cohorts"):
        return ", ".join(f"{rule['value']}={rule['side']}" for rule in value) or "-"
    if name == "users":
        return f"{len(value)}: {', '.join(value[:10])}{', …' if len(value) > 10 else ''}" if value else "-"
    if name == "writes":
        return value or "follow the share"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _rendered_change(change: Any) -> "RenderableType":
    from rich.console import Group

    nodes = change["nodes"]
    return Group(
        f"{change['route']}, version {change['version']}: {_differences(change)}",
        f"live on {nodes['live']} of {nodes['nodes']} nodes after {change['took_ms']} ms"
        if nodes["live"]
        else f"not live on any of {nodes['nodes']} nodes after {change['took_ms']} ms: see `matapalo logs agent`",
    )


def _differences(change: Any) -> str:
    return ", ".join(
        f"{name.removesuffix('_bp')} {_value(name, before)} → {_value(name, after)}"
        for name, (before, after) in change["changes"].items()
    )


def _rendered_history(changes: Any) -> "RenderableType":
    if not changes:
        return "nothing was changed yet"
    rows = [
        (
            str(change["version"]),
            change["at"][:19].replace("T", " "),
            change["route"],
            change["action"],
            _differences(change),
            change["by"],
            change["why"],
        )
        for change in changes
    ]
    return table(("VERSION", "WHEN (UTC)", "ROUTE", "ACTION", "CHANGE", "WHO", "WHY"), rows, right=("VERSION",))


def _rendered_explanation(explanation: Any) -> "RenderableType":
    lines = [f"{explanation['side']} ({explanation['upstream']}), because {explanation['sentence']}"]
    if explanation["joins_at_bp"] is not None and explanation["reason"] != "share":
        lines.append(
            f"by the share alone this user has the new side from {format_share(explanation['joins_at_bp'])} on"
        )
    if explanation["can_fall_back"]:
        lines.append("legacy answers if the new side fails")
    if explanation["is_shadowed"]:
        lines.append("the response is compared on both sides")
    return "\n".join(lines)
