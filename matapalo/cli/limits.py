"""`matapalo limits show|reset|set`: how a subject's limits stand, forgetting what it has used, changing the tiers.

Asks `/admin/limits` and `/admin/tiers` on a client's own port: by default on that of the project's first, which speaks
for all clients that share their limits. One with `tiers` of its own in matapalo.toml is counted and changed apart.
A subject is that of a token (`cust_0001`), or `ip:203.0.113.9` for anonymous callers.
"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from matapalo.cli import completion, output
from matapalo.cli.options import DATA_DIR, DataDirOption, JsonOption, started_platform
from matapalo.cli.project import current_project, named_client
from matapalo.launcher.errors import BadInput

if TYPE_CHECKING:
    from rich.console import RenderableType

    from matapalo.cli.admin_client import Admin


class TierOfLimits(StrEnum):
    """The tiers, that of anonymous callers included."""

    ANONYMOUS = "anonymous"
    FREE = "free"
    BASIC = "basic"
    PREMIUM = "premium"
    ENTERPRISE = "enterprise"


LimitsClientOption = Annotated[
    str | None,
    typer.Option(
        "--client",
        help="Whose BFF to ask; default: the first. A client with tiers of its own is counted and changed apart.",
        autocompletion=completion.clients,
    ),
]
SubjectArgument = Annotated[str, typer.Argument(help="The subject of a token, or ip:ADDRESS.")]


def register(app: typer.Typer) -> None:
    limits = typer.Typer(help="Show and reset what a subject has used of its limits.", no_args_is_help=True)
    limits.command()(show)
    limits.command()(reset)
    limits.command("set")(set_)
    app.add_typer(limits, name="limits")


def show(
    subject: SubjectArgument,
    tier: Annotated[
        TierOfLimits | None, typer.Option(help="Look with the limits of this tier; free, or anonymous for an address.")
    ] = None,
    client: LimitsClientOption = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Show how the limits of a subject stand; nothing is charged."""
    with _admin(client, data_dir) as admin:
        limits = admin.get(_path(subject), tier=None if tier is None else tier.value)
    output.show(lambda: limits, _rendered, as_json=as_json)


def reset(
    subject: SubjectArgument,
    client: LimitsClientOption = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Forget everything that a subject has used."""
    with _admin(client, data_dir) as admin:
        usage = admin.request("DELETE", _path(subject)).json()
    forgotten = "forgotten" if usage["forgotten"] else "nothing was used"
    output.show(lambda: usage, lambda _: f"{usage['subject']}: {forgotten}", as_json=as_json)


def set_(
    file: Annotated[Path | None, typer.Argument(help="A file such as matapalo/ratelimit/tiers.toml.")] = None,
    default: Annotated[
        bool, typer.Option("--default", help="Go back to the tiers of the processes' own file.")
    ] = False,
    client: LimitsClientOption = None,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Change the tiers of all processes that share them, within about a second and without a restart."""
    if (file is None) is not default:
        raise BadInput("give a file, or --default to go back to that of the processes")
    try:
        text = None if file is None else file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from error
    with _admin(client, data_dir) as admin:
        admin.request("DELETE" if text is None else "PUT", "/tiers", content=text)
    print("the tiers are those of the processes' own file again" if file is None else f"the tiers are those of {file}")


def _admin(name: str | None, data_dir: Path) -> "Admin":
    from matapalo.cli.admin_client import Admin

    client = named_client(current_project(), name)
    return Admin(started_platform(data_dir), port=client.port, name=f"the {client.name} BFF")


def _path(subject: str) -> str:
    return f"/limits/{quote(subject, safe=':')}"


def _rendered(limits: Any) -> "RenderableType":
    from rich.console import Group

    headings = ("LIMIT", "OF", "USED", "LEFT", "MORE IN", "")
    rows = output.table(headings, map(_row, limits["policies"]), right=headings[1:-1])
    return Group(f"{limits['subject']} with the tier {limits['tier']}", rows)


def _row(policy: dict[str, Any]) -> tuple[str, ...]:
    window = f" in {policy['window_s']} s" if policy["window_s"] else ""
    return (
        policy["name"],
        f"{policy['limit']} {policy['unit']}{window}",
        str(policy["used"]),
        str(policy["remaining"]),
        f"{policy['reset_s']:.1f} s" if policy["reset_s"] else "-",
        "shadow" if policy["shadow"] else "",
    )
