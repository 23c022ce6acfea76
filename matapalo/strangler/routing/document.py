"""The table of routes as a document: TOML for people, JSON for the store and the agents.

    [things]                       {"version": 7, "routes": [{"name": "things", "prefix": "/api/things", …}],
    prefix = "/api/things"          "changed": {"things": 5}}
    new = "things"
    …

``version`` counts changes: it starts at 1 and only ever grows. ``changed`` is the version at which a route was changed
last (1 when it is missing there). Raises InvalidRoutes for what is no such document; its routes are checked by
`matapalo.strangler.routing.validate`.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from matapalo.strangler.errors import InvalidRoutes, RouteNotFound
from matapalo.strangler.routing.route import Match, Route, covers

FIRST_VERSION = 1


class RoutesDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A version of the whole table."""

    version: int
    routes: tuple[Route, ...]
    changed: Mapping[str, int] = {}

    def route(self, name_or_path: str) -> Route:
        """The route of this name, or the one that covers this path. Raises RouteNotFound with those that exist."""
        for route in self.routes:
            if route.name == name_or_path or covers(route.prefix, name_or_path):
                return route
        names = ", ".join(route.name for route in self.routes)
        raise RouteNotFound(f"there is no route {name_or_path!r}: the routes are {names}")

    def revision(self, name: str) -> int:
        return self.changed.get(name, FIRST_VERSION)

    def with_route(self, route: Route) -> "RoutesDocument":
        """The next version, in which the route of this name is replaced."""
        version = self.version + 1
        routes = tuple(route if current.name == route.name else current for current in self.routes)
        return RoutesDocument(version, routes, {**self.changed, route.name: version})


def parse_toml(text: str, *, origin: str) -> tuple[Route, ...]:
    """The routes of a TOML file: one table a route, named by it. ``origin`` names the file in messages."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRoutes([f"{origin} is no TOML: {error}"]) from error
    routes, problems = [], []
    for name, table in tables.items():
        try:
            if not isinstance(table, dict):
                raise msgspec.ValidationError(f"expected a table [{name}], got {table!r}")
            routes.append(msgspec.convert({**table, "name": name}, Route))
        except msgspec.ValidationError as error:
            problems.append(f"{origin}: route {name!r}: {error}")
    if problems:
        raise InvalidRoutes(problems)
    return tuple(routes)


ALWAYS_RENDERED = ("prefix", "new", "share_bp", "seed", "audience")


def render_toml(routes: Sequence[Route]) -> str:
    """The routes as `parse_toml` reads them. Defaults are left out, except for the fields a reader looks for first."""
    return "\n".join("".join(_toml_lines(route)) for route in routes)


def _toml_lines(route: Route) -> Iterator[str]:
    yield f"[{route.name}]\n"
    for field in msgspec.structs.fields(Route):
        value = getattr(route, field.name)
        if field.name != "name" and (field.name in ALWAYS_RENDERED or value != field.default):
            yield f"{field.name} = {_toml_value(value)}\n"


def _toml_value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml_value, value))}]"
    if isinstance(value, Match):
        return f'{{ value = {_toml_value(value.value)}, side = "{value.side}" }}'
    return json.dumps(value, ensure_ascii=False)  # strings without control characters, numbers, true and false


def parse_json(data: bytes | str) -> RoutesDocument:
    try:
        return msgspec.json.decode(data, type=RoutesDocument)
    except msgspec.DecodeError as error:
        raise InvalidRoutes([f"this is no routes document: {error}"]) from error


def render_json(document: RoutesDocument) -> bytes:
    return msgspec.json.encode(document)
