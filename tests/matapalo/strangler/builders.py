"""Routes, documents and settings for tests of the strangler."""

import json
from pathlib import Path
from typing import Any

from matapalo.auth.keys import InlineKeys
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Route
from matapalo.strangler.settings import Settings, of_the_project
from tests.harness.shop import SHOP
from tests.harness.tokens import jwks

KEYS = InlineKeys(json.dumps(jwks()))


def a_route(name: str = "orders", **changes: Any) -> Route:
    """A valid route: legacy for all users, unless changed."""
    return Route(**{"name": name, "prefix": f"/api/{name}", "new": name, "seed": 2, **changes})


def a_document(version: int = 1, *routes: Route) -> RoutesDocument:
    """A document, with one route by default."""
    return RoutesDocument(version, routes or (a_route(),))


def settings_in(folder: Path, **changes: Any) -> Settings:
    """Development settings with all files in ``folder``."""
    defaults = {
        "environment": "development",
        "envoy_dir": folder / "envoy",
        "admin_socket": Path("/tmp/mp-test/admin.sock"),
        "jwks_file": folder / "jwks.json",
    }
    return Settings(**{**of_the_project(SHOP), **defaults, **changes})
