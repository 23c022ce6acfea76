"""`matapalo orders show|watch ORDER`: the steps of an order in the terminal, as an operator sees them.

Asks the web BFF through the edge: `show` once, `watch` by server-sent events until the order's last one.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from matapalo.cli.options import DATA_DIR, DataDirOption, running
from matapalo.launcher import keys
from matapalo.launcher.errors import LauncherError, NotRunning, UnknownName
from matapalo.launcher.keys import Role, Tier
from matapalo.launcher.platform import EDGE_PORT, Platform

ORDER = """
query Order($id: ID!) {
  order(id: $id) {
    id status total { formatted } placedAt cancelReason customer { id }
    fulfilment { status steps { name state startedAt finishedAt attempts } }
  }
  workflow(id: $id) { id }
}
"""
PROGRESS = "subscription Progress($id: ID!) { orderProgress(orderId: $id) { id step state at message } }"

#: How each state of a step is drawn.
SIGNS = {"STARTED": ("…", "yellow"), "DONE": ("✓", "green"), "FAILED": ("✗", "red"), "COMPENSATED": ("↺", "cyan")}
STEPS = ("CREATE", "RESERVE", "CHARGE", "CONFIRM", "WAREHOUSE", "SHIP", "NOTIFY")
TIMEOUT = httpx.Timeout(10, read=60)  # a stream says something every 12 s

OrderArgument = Annotated[str, typer.Argument(help="The id of an order: ord_…")]


def register(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    orders = typer.Typer(help="Look at orders on their way.", no_args_is_help=True)
    orders.command()(show)
    orders.command()(watch)
    app.add_typer(orders, name="orders")


def show(order: OrderArgument, data_dir: DataDirOption = DATA_DIR) -> None:
    """Draw the steps of an order as they are now."""
    found = _ask(running(data_dir), order)
    workflow = found["workflow"]
    if found["order"] is None:
        raise UnknownName(f"there is no order {order}")
    console = Console()
    console.print(_headline(found["order"]))
    if workflow is not None:
        console.print(f"workflow {workflow['id']}", style="dim", soft_wrap=True)
    fulfilment = found["order"]["fulfilment"]
    if fulfilment is None:
        console.print("nothing is known of its way: no workflow of ours fulfils it")
        return
    console.print(f"it is {_spoken(fulfilment['status'])}")
    console.print(table(fulfilment["steps"]))


def watch(order: OrderArgument, data_dir: DataDirOption = DATA_DIR) -> None:
    """Draw the steps of an order as they happen, until nothing follows; Ctrl-C leaves the order alone."""
    console = Console()
    steps: dict[str, dict[str, Any]] = {}
    try:
        with Live(console=console, refresh_per_second=8) as live:
            for event in _events(running(data_dir), order):
                note(steps, event)
                if console.is_terminal:
                    live.update(table(list(steps.values())))
                else:
                    print(line(event), flush=True)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def note(steps: dict[str, dict[str, Any]], event: dict[str, Any]) -> None:
    """Bring ``steps`` (by name, in their order) up to date with an event."""
    name, state, at = event["step"], event["state"], event["at"]
    step = steps.setdefault(name, {"name": name, "startedAt": at, "attempts": 0, "finishedAt": None})
    step["state"], step["message"] = state, event.get("message", "")
    if state == "STARTED":
        step["attempts"] += 1
        step["finishedAt"] = None
    else:
        step["finishedAt"] = at


def line(event: dict[str, Any]) -> str:
    """An event for a log: one line."""
    said = f"  {event['message']}" if event["message"] else ""
    return f"{event['at']}  {SIGNS[event['state']][0]} {event['step'].lower()} {event['state'].lower()}{said}"


def table(steps: list[dict[str, Any]]) -> Table:
    """The steps one below the other, those that have not begun too, unless the order has ended."""
    drawn = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("", "STEP", "STARTED", "TOOK", "ATTEMPTS", ""):
        drawn.add_column(heading)
    for step in steps:
        sign, style = SIGNS[step["state"]]
        drawn.add_row(
            f"[{style}]{sign}[/]",
            step["name"].lower(),
            _clock(step["startedAt"]),
            _took(step),
            str(step["attempts"] or ""),
            step.get("message") or "",
        )
    begun = {step["name"] for step in steps}
    if "FINISH" not in begun and not any(step["state"] in ("FAILED", "COMPENSATED") for step in steps):
        for name in STEPS:
            if name not in begun:
                drawn.add_row("[dim]·[/]", f"[dim]{name.lower()}[/]", "", "", "", "")
    return drawn


def _headline(order: dict[str, Any]) -> str:
    customer = order["customer"]["id"] if order["customer"] else "somebody"
    cancelled = f" ({order['cancelReason']})" if order["cancelReason"] else ""
    return f"{order['id']} of {customer}: {order['total']['formatted']}, {order['status']}{cancelled}"


def _spoken(status: str) -> str:
    return status.replace("_", " ").lower()


def _clock(at: str) -> str:
    return datetime.fromisoformat(at).astimezone().strftime("%H:%M:%S")


def _took(step: dict[str, Any]) -> str:
    if step["finishedAt"] is None:
        return ""
    took = datetime.fromisoformat(step["finishedAt"]) - datetime.fromisoformat(step["startedAt"])
    seconds = took.total_seconds()
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _ask(platform: Platform, order: str) -> dict[str, Any]:
    body = {"query": ORDER, "variables": {"id": order}}
    try:
        answer = httpx.post(
            _address(platform), json=body, headers=_headers(platform), timeout=TIMEOUT, trust_env=False
        ).json()
    except httpx.TransportError:
        raise _not_running(platform) from None
    except ValueError as error:
        raise LauncherError(f"the web BFF answers something unreadable: {error}") from None
    if not answer.get("data") or answer["data"].get("order") is None:
        _refuse(answer)
    return {"workflow": None, **answer["data"]}


def _events(platform: Platform, order: str) -> Iterator[dict[str, Any]]:
    body = {"query": PROGRESS, "variables": {"id": order}}
    headers = _headers(platform) | {"accept": "text/event-stream"}
    try:
        with (
            httpx.Client(timeout=TIMEOUT, trust_env=False) as client,
            client.stream("POST", _address(platform), json=body, headers=headers) as response,
        ):
            for text in response.iter_lines():
                if text.startswith("data:") and (result := text.removeprefix("data:").strip()):
                    answer = json.loads(result)
                    _refuse(answer)
                    yield answer["data"]["orderProgress"]
    except httpx.TransportError:
        raise _not_running(platform) from None


def _refuse(answer: dict[str, Any]) -> None:
    for error in answer.get("errors", ()):
        if error.get("path") != ["workflow"]:
            raise LauncherError(error["message"])


def _headers(platform: Platform) -> dict[str, str]:
    signed = keys.token(
        platform.data.keys,
        subject="matapalo",
        tier=Tier.ENTERPRISE,
        role=Role.OPERATOR,
        cohort=None,
        lifetime=timedelta(hours=1),
    )
    return {"authorization": f"Bearer {signed}"}


def _address(platform: Platform) -> str:
    return platform.url(EDGE_PORT, "/web/graphql")


def _not_running(platform: Platform) -> NotRunning:
    return NotRunning(f"nothing answers on {_address(platform)}: start the platform with `matapalo up`")
