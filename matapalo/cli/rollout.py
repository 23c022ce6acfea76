"""`matapalo rollout …`: durable plans that raise a route's share step by step while its gates pass. Over the admin API.

Exit code 1 with the reason when a plan does not fit, or a command does not fit the phase.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

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
from matapalo.process.duration import format_duration
from matapalo.strangler.routing.share import format_share

if TYPE_CHECKING:
    from rich.console import RenderableType

MAX_EVENTS = 12


def register(app: typer.Typer) -> None:
    rollout = typer.Typer(help="Plans that move a route by themselves, and take it back.", no_args_is_help=True)
    rollout.command()(start)
    rollout.command()(status)
    for command, default_reason, help_ in COMMANDS:
        rollout.command(command, help=help_)(_command(command, default_reason))
    app.add_typer(rollout, name="rollout")


def start(
    route: RouteArgument,
    plan: Annotated[str, typer.Option(help="For example '5% for 1 day, 10% for 2 days, 100% after approval'.")],
    reason: ReasonOption = "started by hand",
    check_every_s: Annotated[float | None, typer.Option(help="How often the gates are evaluated, in seconds.")] = None,
    failures: Annotated[int | None, typer.Option(help="So many failed gates in a row take it back.")] = None,
    as_json: JsonOption = False,
    watch: WatchOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Start a plan; it goes on without this command, and through restarts of everything."""
    with control_plane(data_dir) as admin:
        name = admin.route(route)["name"]
        body = {
            "route": name,
            "plan": plan,
            "why": reason,
            **({} if check_every_s is None else {"check_every_s": check_every_s}),
            **({} if failures is None else {"failures_allowed": failures}),
        }
        started = admin.send("POST", "/rollouts", body)
        if watch:
            show(lambda: admin.get(f"/rollouts/{name}"), _rendered, as_json=as_json, watch=True)
        else:
            show(lambda: started, _rendered, as_json=as_json)


def status(
    route: OptionalRouteArgument = None,
    as_json: JsonOption = False,
    watch: WatchOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Show where rollouts stand, and why."""
    with control_plane(data_dir) as admin:
        if route is None:
            show(lambda: admin.get("/rollouts"), _rendered_list, as_json=as_json, watch=watch)
        else:
            name = admin.route(route)["name"]
            show(lambda: admin.get(f"/rollouts/{name}"), _rendered, as_json=as_json, watch=watch)


COMMANDS = (
    ("hold", "held by hand", "Keep it at this step. Its gates still watch, and still take it back."),
    ("resume", "resumed by hand", "Let it go on, after a hold or after the route was changed by hand."),
    (
        "advance",
        "advanced by hand",
        "Enter the next step now, whatever its gates say; also the approval that a step waits for.",
    ),
    ("rollback", "rolled back by hand", "End it, with the route at 0 %."),
)


def _command(command: str, default_reason: str) -> Callable[..., None]:
    def act(
        route: RouteArgument,
        reason: ReasonOption = default_reason,
        as_json: JsonOption = False,
        data_dir: DataDirOption = DATA_DIR,
    ) -> None:
        with control_plane(data_dir) as admin:
            name = admin.route(route)["name"]
            rollout = admin.send("POST", f"/rollouts/{name}/{command}", {"why": reason})
            show(lambda: rollout, _rendered, as_json=as_json)

    return act


def _rendered_list(response: Any) -> "RenderableType":
    if not response["rollouts"]:
        return "no route ever had a rollout: matapalo rollout start things --plan '5% for 1 day, 100%'"
    rows = [
        (view["route"], format_share(view["share_bp"]), _phase(view), view["because"]) for view in response["rollouts"]
    ]
    return table(("ROUTE", "SHARE", "PHASE", "BECAUSE"), rows, right=("SHARE",))


def _rendered(view: Any) -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        Text(f"{view['route']}  {format_share(view['share_bp'])}  {_phase(view)}"),
        Text(f"  {view['because']}"),
        Text(),
        table(("", "STEP", "FOR", "ENTERED", "GATES"), _steps(view)),
    ]
    if view["verdict"] and view["verdict"]["checks"]:
        checks = [(check["name"], check["outcome"], check["because"]) for check in view["verdict"]["checks"]]
        parts += [Text(), table(("GATE", "SAYS", "BECAUSE"), checks)]
    events = [(_time(event["at"]), event["kind"], event["by"], event["text"]) for event in view["events"][-MAX_EVENTS:]]
    return Group(*parts, Text(), table(("WHEN", "WHAT", "WHO", "WHY"), events))


def _steps(view: Any) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for index, step in enumerate(view["plan"]):
        entered = view["entered"][index] if index < len(view["entered"]) else None
        mark = "▶" if index == view["step"] and view["finished_at"] is None else "✓" if entered else ""
        lasts = format_duration(timedelta(seconds=step["lasts_s"])) if step["lasts_s"] else ""
        lasts += ", after approval" if step["needs_approval"] else ""
        rows.append(
            (
                mark,
                format_share(step["share_bp"]),
                lasts.removeprefix(", "),
                _time(entered["at"]) if entered else "",
                entered["outcome"] if entered else "",
            )
        )
    return rows


def _phase(view: Any) -> str:
    return str(view["phase"]).lower().replace("_", " ")


def _time(at: str) -> str:
    return at[:19].replace("T", " ")
