"""`python -m subgraphs NAME|all|migrate|openapi`: one service, all of them in one process, the schema, the contract.

`migrate` brings the database to the head and seeds it. `openapi` rewrites `schema/rest/*.openapi.json`. Exit codes:
0 done, 1 cannot (one sentence says why), 2 called wrongly.
"""

import asyncio
import sys
from collections.abc import Sequence
from importlib import import_module

from pydantic import ValidationError

from subgraphs.kit.settings import SERVICES, Settings

COMMANDS = ("all", "migrate", "openapi")


def main(arguments: Sequence[str]) -> int:
    """Runs one command; returns the exit code."""
    try:
        return _run(arguments)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        return _refuse(f"the settings are wrong: {wrong}")


def _run(arguments: Sequence[str]) -> int:
    match arguments:
        case ["--help" | "-h"]:
            print(__doc__)
            return 0
        case ["migrate"]:
            return _migrate()
        case ["openapi"]:
            return _openapi()
        case ["all"]:
            return _serve(SERVICES)
        case [name] if name in SERVICES:
            return _serve([name])
    said = " ".join(arguments) or "nothing"
    print(f"subgraphs: '{said}' is no command. One of: {', '.join((*SERVICES, *COMMANDS))}.", file=sys.stderr)
    return 2


def _serve(names: Sequence[str]) -> int:
    from subgraphs.kit.database import Database
    from subgraphs.kit.server import CannotServe, serve
    from subgraphs.migrations.head import head

    settings = Settings()
    database = Database(settings.database_url, head=head(), connections=settings.database_connections)
    apps = {name: import_module(f"subgraphs.{name}.app").create(settings, database) for name in names}
    try:
        serve(apps, settings, database)
    except CannotServe as error:
        return _refuse(error)
    return 0


def _migrate() -> int:
    from subgraphs.migrations.migrate import CannotMigrate, migrate

    settings = Settings()
    try:
        asyncio.run(
            migrate(settings.database_url, wait_s=settings.database_wait_s, say=lambda line: print(line, flush=True))
        )
    except CannotMigrate as error:
        return _refuse(error)
    return 0


def _openapi() -> int:
    from subgraphs.contracts import write_all

    for path in write_all():
        print(path)
    return 0


def _refuse(error: object) -> int:
    print(f"subgraphs: {error}", file=sys.stderr)
    return 1
