"""Names for the shell's completion, read from files: quick, never waiting for a process, empty without the file."""

import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer

DATA_DIR = Path(".matapalo")
_ROUTE = re.compile(r'"name":\s*"([^":]+):(?:new|legacy):')


def _completion(names: Callable[[Path], Iterable[str]]) -> Callable[[typer.Context, str], list[str]]:
    """Completes from ``names``, a function of the data directory."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        data_dir = Path(ctx.params.get("data_dir") or DATA_DIR)
        try:
            return [name for name in dict.fromkeys(names(data_dir)) if name.startswith(incomplete)]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return []  # a shell has no place for a message

    return complete


def _project() -> dict[str, Any]:
    """The tables of `matapalo.toml` as they stand there: checking them would take longer than a person waits."""
    from matapalo.project.location import find

    return tomllib.loads(find().read_text(encoding="utf-8"))


def _processes(data_dir: Path) -> Iterable[str]:
    from matapalo.launcher import record

    last = record.read(data_dir / "run" / "processes.json")
    return [status.name for status in last.processes] if last else []


def _routes(data_dir: Path) -> Iterable[str]:
    """Of the running platform, from the file that its agent writes; else those that seed the table."""
    live = data_dir / "envoy" / "rds.internal.json"
    if live.exists():
        return _ROUTE.findall(live.read_text(encoding="utf-8"))
    from matapalo.project.location import find

    file = find()
    return tomllib.loads((file.parent / _project()["strangler"]["routes"]).read_text(encoding="utf-8"))


clients = _completion(lambda _data_dir: _project()["clients"])
services = _completion(lambda _data_dir: _project()["services"])
processes = _completion(_processes)
logs = _completion(lambda data_dir: sorted(log.stem for log in (data_dir / "logs").glob("*.log")))
routes = _completion(_routes)
offsets = _completion(lambda _data_dir: [str(offset) for offset in range(100, 1000, 100)])
