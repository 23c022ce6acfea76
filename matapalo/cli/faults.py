"""`matapalo fault set|clear`: makes a service slow, failing or wrong, to see how the platform takes it.

Talks to the service's own port (`PUT /__fault`, `DELETE /__fault`), which exists only in development and is never
routed. The legacy side of a service is its routes of the monolith; ``legacy`` itself is the whole of it.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matapalo.cli import completion
from matapalo.cli.options import DATA_DIR, DataDirOption, Side, started_platform
from matapalo.cli.project import current_project
from matapalo.launcher.errors import BadInput, CommandError, NotRunning, UnknownName

if TYPE_CHECKING:
    from matapalo.launcher.platform import Platform
    from matapalo.project.declaration import Project, Service


ServiceArgument = Annotated[
    str,
    typer.Argument(help="A service in matapalo.toml that `matapalo up` starts.", autocompletion=completion.services),
]


def register(app: typer.Typer) -> None:
    faults = typer.Typer(help="Make a service slow, failing or wrong; development only.", no_args_is_help=True)
    faults.command("set")(set_)
    faults.command("clear")(clear)
    app.add_typer(faults, name="fault")


def set_(
    service: ServiceArgument,
    side: Annotated[Side, typer.Option(help="Which of the two serve this service's routes.")] = Side.NEW,
    share: Annotated[float | None, typer.Option(min=0, max=1, help="The part of the requests, 0 to 1.")] = None,
    status: Annotated[int | None, typer.Option(min=400, max=599, help="Respond with this HTTP status.")] = None,
    latency_ms: Annotated[int | None, typer.Option(min=0, help="Wait this long first.")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Close the connection without a response.")] = False,
    patch: Annotated[str | None, typer.Option(help="A JSON Patch of the response (RFC 6902), or @FILE.")] = None,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Set the fault of a service; it replaces the one before."""
    fault: dict[str, Any] = {
        name: value
        for name, value in {
            "share": share,
            "status": status,
            "latency_ms": latency_ms,
            "drop": drop or None,
            "patch": _patch(patch),
        }.items()
        if value is not None
    }
    if not fault.keys() - {"share"}:
        raise BadInput("say what is to go wrong: --status, --latency-ms, --drop or --patch")
    project = current_project()
    target, prefix = _on(project, side, service)
    _send(started_platform(data_dir), project.services[target], "PUT", prefix, fault)
    print(f"{target}, {prefix}: {json.dumps(fault)}")


def clear(
    service: Annotated[
        str | None, typer.Argument(help="Only this service, on both sides.", autocompletion=completion.services)
    ] = None,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """End the faults of a service, or all of them."""
    project = current_project()
    targets: list[tuple[str, str | None]] = [(name, None) for name in _started(project)]
    if service is not None:
        targets = sorted({_on(project, side, service) for side in Side})
    for target, prefix in targets:
        _send(started_platform(data_dir), project.services[target], "DELETE", prefix)
    print(f"cleared: {', '.join(target if prefix is None else f'{target} {prefix}' for target, prefix in targets)}")


def _started(project: "Project") -> list[str]:
    """The services that the platform itself starts, and can so make fail."""
    return [service.name for service in project.services.values() if service.process]


def _on(project: "Project", side: Side, service: str) -> tuple[str, str]:
    """The service to ask, and below which path it is to fail: the monolith on the legacy side."""
    if service not in _started(project):
        raise UnknownName(f"there is no service {service!r}: choose one of {', '.join(_started(project))}")
    prefix = project.services[service].prefix or "/api"
    return (project.strangler.monolith if side is Side.LEGACY else service), prefix


def _patch(text: str | None) -> list[Any] | None:
    if text is None:
        return None
    try:
        patch = json.loads(Path(text[1:]).read_text() if text.startswith("@") else text)
    except (OSError, ValueError) as error:
        raise BadInput(f"--patch {text}: {error}") from error
    if not isinstance(patch, list):
        raise BadInput(f"--patch {text}: a JSON Patch is a list of operations")
    return patch


def _send(
    platform: "Platform", service: "Service", method: str, prefix: str | None, fault: dict[str, Any] | None = None
) -> None:
    import httpx

    address = platform.url(service.address.port, "/__fault")
    query = {"prefix": prefix} if method == "DELETE" and prefix is not None else {}
    body = None if fault is None else {"prefix": prefix, **fault}
    try:
        response = httpx.request(method, address, json=body, params=query, timeout=5, trust_env=False)
    except httpx.TransportError:
        raise NotRunning(
            f"{service.name} does not respond on {address}: start the platform with `matapalo up`"
        ) from None
    if not response.is_success:
        raise CommandError(f"{service.name} refuses the fault: {response.status_code} {response.text.strip()}")
