"""`matapalo orders show|watch ORDER`: the steps of an order in the terminal, as an operator sees them.

Asks the web BFF through the edge: `show` once, `watch` by server-sent events until the order's last one.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matapalo import DATA_DIR, CommandError, DataDirOption, RunningPlatform

if TYPE_CHECKING:
    from rich.table import Table

CLIENT = "web"
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

OrderArgument = Annotated[str, typer.Argument(help="The id of an order: ord_…")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    orders = typer.Typer(help="Look at orders on their way.", no_args_is_help=True)
    orders.command()(show)
    orders.command()(watch)
    app.add_typer(orders, name="orders")


def show(order: OrderArgument, data_dir: DataDirOption = DATA_DIR) -> None:
    """Draw the steps of an order as they are now."""
    from rich.console import Console

    result = _read(data_dir, order)
    workflow = result["workflow"]
    if result["order"] is None:
        raise CommandError(f"there is no order {order}")
    console = Console()
    console.print(_headline(result["order"]))
    if workflow is not None:
        console.print(f"workflow {workflow['id']}", style="dim", soft_wrap=True)
    fulfilment = result["order"]["fulfilment"]
    if fulfilment is None:
        console.print("its steps are unknown: no workflow of ours fulfils it")
        return
    console.print(f"it is {_spoken(fulfilment['status'])}")
    console.print(table(fulfilment["steps"]))


def watch(order: OrderArgument, data_dir: DataDirOption = DATA_DIR) -> None:
    """Draw the steps of an order as they happen, until nothing follows; Ctrl-C leaves the order alone."""
    from rich.console import Console
    from rich.live import Live

    console = Console()
    steps: dict[str, dict[str, Any]] = {}
    try:
        with Live(console=console, refresh_per_second=8) as live:
            for event in _events(data_dir, order):
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
    message = f"  {event['message']}" if event["message"] else ""
    return f"{event['at']}  {SIGNS[event['state']][0]} {event['step'].lower()} {event['state'].lower()}{message}"


def table(steps: list[dict[str, Any]]) -> "Table":
    """The steps one below the other, those that have not begun too, unless the order has ended."""
    from rich.table import Table

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
    customer = order["customer"]["id"] if order["customer"] else "an unknown customer"
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


def _read(data_dir: Path, order: str) -> dict[str, Any]:
    response = RunningPlatform(data_dir).query(CLIENT, ORDER, {"id": order})
    if not response.get("data") or response["data"].get("order") is None:
        _refuse(response)
    return {"workflow": None, **response["data"]}


def _events(data_dir: Path, order: str) -> Iterator[dict[str, Any]]:
    for response in RunningPlatform(data_dir).events(CLIENT, PROGRESS, {"id": order}):
        _refuse(response)
        yield response["data"]["orderProgress"]


def _refuse(response: dict[str, Any]) -> None:
    for error in response.get("errors", ()):
        if error.get("path") != ["workflow"]:
            raise CommandError(error["message"])
