"""`matapalo limits show|reset|set`: how somebody's limits stand, forgetting what they have used, changing the tiers.

Asks `/admin/limits` and `/admin/tiers` on the own port of the first client's BFF, with an operator's development token;
all BFFs share the store, so it speaks for all. A subject is that of a token, or `ip:203.0.113.9` for anonymous viewers.
"""

import json
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer
from rich.console import Console
from rich.table import Table

from matapalo.cli.options import DATA_DIR, DataDirOption, running
from matapalo.cli.project import current_project, named_client
from matapalo.launcher import keys
from matapalo.launcher.errors import BadInput, LauncherError, NotRunning
from matapalo.launcher.keys import Role, Tier
from matapalo.launcher.platform import Platform


class ShownTier(StrEnum):
    """The tiers, that of anonymous viewers included."""

    ANONYMOUS = "anonymous"
    FREE = "free"
    BASIC = "basic"
    PREMIUM = "premium"
    ENTERPRISE = "enterprise"


SubjectArgument = Annotated[str, typer.Argument(help="The subject of a token, or ip:ADDRESS.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]


def register(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    limits = typer.Typer(help="Show and reset what somebody has used of their limits.", no_args_is_help=True)
    limits.command()(show)
    limits.command()(reset)
    limits.command("set")(set_)
    app.add_typer(limits, name="limits")


def show(
    subject: SubjectArgument,
    tier: Annotated[
        ShownTier | None, typer.Option(help="Look with the limits of this tier; free, or anonymous for an address.")
    ] = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Show how the limits of a subject stand; nothing is charged."""
    found = _ask(running(data_dir), "GET", subject, {} if tier is None else {"tier": tier.value})
    if as_json:
        print(json.dumps(found, indent=2))
        return
    print(f"{found['subject']} with the tier {found['tier']}")
    Console().print(_table(found["policies"]))


def reset(subject: SubjectArgument, as_json: JsonOption = False, data_dir: DataDirOption = DATA_DIR) -> None:
    """Forget everything that a subject has used."""
    found = _ask(running(data_dir), "DELETE", subject, {})
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        print(f"{found['subject']}: {'forgotten' if found['forgotten'] else 'nothing was used'}")


def set_(
    file: Annotated[Path | None, typer.Argument(help="A file such as matapalo/ratelimit/tiers.toml.")] = None,
    default: Annotated[
        bool, typer.Option("--default", help="Go back to the tiers of the processes' own file.")
    ] = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Change the tiers of all processes, within about a second and without a restart."""
    if (file is None) is not default:
        raise BadInput("give a file, or --default to go back to that of the processes")
    try:
        text = None if file is None else file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from error
    _send(running(data_dir), "DELETE" if text is None else "PUT", "/admin/tiers", content=text)
    print("the tiers are those of the file again" if text is None else f"the tiers are those of {file}")


def _table(policies: list[dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("LIMIT", "OF", "USED", "LEFT", "MORE IN", ""):
        table.add_column(heading, justify="left" if heading in ("LIMIT", "") else "right")
    for each in policies:
        window = f"{each['limit']} {each['unit']}" + (f" in {each['window_s']} s" if each["window_s"] else "")
        more = f"{each['reset_s']:.1f} s" if each["reset_s"] else "-"
        shadow = "shadow" if each["shadow"] else ""
        table.add_row(each["name"], window, str(each["used"]), str(each["remaining"]), more, shadow)
    return table


def _ask(platform: Platform, method: str, subject: str, query: dict[str, str]) -> dict[str, Any]:
    return _send(platform, method, f"/admin/limits/{quote(subject, safe=':')}", query=query)


def _send(
    platform: Platform, method: str, path: str, *, query: dict[str, str] | None = None, content: bytes | None = None
) -> dict[str, Any]:
    token = keys.token(
        platform.data.keys,
        subject="matapalo-limits",
        tier=Tier.ENTERPRISE,
        role=Role.OPERATOR,
        cohort=None,
        lifetime=timedelta(minutes=1),
    )
    address = platform.url(named_client(current_project(), None).port, path)
    headers = {"authorization": f"Bearer {token}"}
    try:
        answer = httpx.request(
            method, address, params=query, content=content, headers=headers, timeout=5, trust_env=False
        )
    except httpx.TransportError:
        raise NotRunning(f"the BFF does not answer on {address}: start the platform with `matapalo up`") from None
    if not answer.is_success:
        raise LauncherError(f"the BFF refuses: {answer.status_code} {_reason(answer)}")
    found: dict[str, Any] = answer.json()
    return found


def _reason(answer: httpx.Response) -> str:
    is_problem = "json" in answer.headers.get("content-type", "")
    return str(answer.json().get("title", "")) if is_problem else answer.text.strip()
