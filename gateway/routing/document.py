"""The table of routes as a document: TOML that people write, JSON that the store and the agents keep.

    [orders]                       {"version": 7, "routes": [{"name": "orders", "prefix": "/api/orders", …}]}
    prefix = "/api/orders"
    new = "orders"
    …

``version`` counts changes: it starts at 1 and only ever grows. Raises InvalidRoutes for what is no such document;
whether its routes are good is asked of `gateway.routing.validate`.
"""

import tomllib
from typing import Any

import msgspec

from gateway.errors import InvalidRoutes, RouteNotFound
from gateway.routing.route import Route


class RoutesDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version of the whole table."""

    version: int
    routes: tuple[Route, ...]

    def route(self, name: str) -> Route:
        """The route of this name. Raises RouteNotFound, which names those that exist."""
        for route in self.routes:
            if route.name == name:
                return route
        known = ", ".join(route.name for route in self.routes)
        raise RouteNotFound(f"there is no route {name!r}: the routes are {known}")


def parse_toml(text: str, *, origin: str) -> tuple[Route, ...]:
    """The routes of a TOML file: one table a route, named by it. ``origin`` is what messages call the file."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRoutes([f"{origin} is no TOML: {error}"]) from error
    routes, problems = [], []
    for name, table in tables.items():
        try:
            routes.append(_route(name, table))
        except msgspec.ValidationError as error:
            problems.append(f"{origin}: route {name!r}: {error}")
    if problems:
        raise InvalidRoutes(problems)
    return tuple(routes)


def _route(name: str, table: Any) -> Route:
    if not isinstance(table, dict):
        raise msgspec.ValidationError(f"expected a table [{name}], got {table!r}")
    return msgspec.convert({**table, "name": name}, Route)


def parse_json(data: bytes | str) -> RoutesDocument:
    """The document of its JSON."""
    try:
        return msgspec.json.decode(data, type=RoutesDocument)
    except msgspec.DecodeError as error:
        raise InvalidRoutes([f"this is no routes document: {error}"]) from error


def render_json(document: RoutesDocument) -> bytes:
    """The document as JSON."""
    return msgspec.json.encode(document)
