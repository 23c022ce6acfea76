"""The committed contracts, `schema/rest/<service>.openapi.json`: one a resource, and both sides are held to it.

The service's app is the source; the monolith is only tested against it. Needs no database.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import orjson

from subgraphs.kit.database import Database
from subgraphs.kit.settings import SERVICES, Settings

FOLDER = Path(__file__).resolve().parents[1] / "schema" / "rest"
RESOURCES = tuple(name for name in SERVICES if name != "legacy")


def path_of(resource: str) -> Path:
    """Where the contract of ``resource`` is kept."""
    return FOLDER / f"{resource}.openapi.json"


def contract_of(resource: str) -> bytes:
    """The contract as it is kept: readable, in a stable order."""
    settings = Settings()
    app = import_module(f"subgraphs.{resource}.app").create(settings, Database(settings.database_url, head=""))
    return orjson.dumps(app.openapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def write_all() -> Iterator[Path]:
    """Rewrites every contract; yields what was written."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for resource in RESOURCES:
        path_of(resource).write_bytes(contract_of(resource))
        yield path_of(resource)
