"""The page at `/` of the edge: what there is and where, one static response without any script or outside resource.

In production it names only what the edge itself serves. In development it also names every process: `matapalo up`
shifts all ports by one offset, which the edge's own port tells.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import NamedTuple

from matapalo.strangler.envoy.identity import graphql_path
from matapalo.strangler.envoy.xds import Json, set_header
from matapalo.strangler.routing.route import Audience, Route
from matapalo.strangler.settings import Settings, upstream_of

MAX_PAGE_BYTES = 32_768
_HERE = Path(__file__).parent
_EDGE_PORT = 8080


class Card(NamedTuple):
    """A card of the page. An address that starts with ``/`` or ``http`` is a link."""

    name: str
    purpose: str
    address: str


def route(settings: Settings, routes: Sequence[Route]) -> Json:
    """The Envoy route whose direct response is the page."""
    style = (_HERE / "landing_page.css").read_text(encoding="utf-8")
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "name": "landing",
        "match": {"prefix": "/"},
        "direct_response": {"status": 200, "body": {"inline_string": _page(settings, routes, style=style)}},
        "response_headers_to_add": [
            set_header("content-type", "text/html; charset=utf-8"),
            set_header("content-security-policy", policy),
            set_header("x-content-type-options", "nosniff"),
            set_header("referrer-policy", "no-referrer"),
            set_header("cache-control", "no-cache"),
        ],
    }


def _page(settings: Settings, routes: Sequence[Route], *, style: str) -> str:
    sections, hint = [_section("For clients", _public(settings, routes))], ""
    if settings.is_development:
        shift = settings.edge_port - _EDGE_PORT
        sections += [
            _section("Processes", _processes(settings, shift)),
            _section("Services", _services(settings)),
            _section("Engines", _engines(shift)),
        ]
        hint = "<footer>A token: <code>matapalo token --help</code></footer>"
    template = Template((_HERE / "landing_page.html").read_text(encoding="utf-8"))
    return template.substitute(style=style, sections="\n".join(sections), hint=hint)


def _public(settings: Settings, routes: Sequence[Route]) -> Iterator[Card]:
    for client, description in settings.clients.items():
        yield Card(f"GraphQL for {client}", description, graphql_path(client))
    for public in (route for route in routes if route.audience is Audience.PUBLIC):
        yield Card(f"REST: {public.name}", "For outside clients, from either side of the route", public.prefix)
    yield Card("Console", "Move routes, watch both sides, take them back", "/console")


def _processes(settings: Settings, shift: int) -> Iterator[Card]:
    upstreams = settings.upstreams
    for client in settings.clients:
        yield Card(
            f"BFF {client}", "Directly, without the edge", _link(upstreams[upstream_of(client)].port, "/graphql")
        )
    yield Card("Control plane", "Admin API of the strangler", _link(upstreams["control"].port, "/openapi.json"))
    yield Card("Agent", "The versions written, and live in Envoy", _link(settings.agent_port, "/readyz"))
    yield Card("Internal listener", "The same routes, for trusted callers", _link(settings.internal_port, "/healthz"))
    yield Card("Worker", "Metrics of the project's workflows", _link(8021 + shift, "/metrics"))


def _services(settings: Settings) -> Iterator[Card]:
    for name, description in settings.services.items():
        if name in settings.upstreams:
            yield Card(name, description, _link(settings.upstreams[name].port, "/openapi.json"))


def _engines(shift: int) -> Iterator[Card]:
    yield Card("Temporal UI", "Every workflow", _link(8233 + shift, "/"))
    yield Card("Temporal", "gRPC", f"127.0.0.1:{7233 + shift}")
    yield Card("Valkey", "Redis protocol", f"127.0.0.1:{6390 + shift}")
    yield Card("PostgreSQL", "Database and user matapalo", f"127.0.0.1:{5439 + shift}")


def _link(port: int, path: str) -> str:
    return f"http://127.0.0.1:{port}{path}"


def _section(title: str, cards: Iterable[Card]) -> str:
    items = "\n".join(_item(card) for card in cards)
    return f"<section><h2>{escape(title)}</h2><ul>\n{items}\n</ul></section>"


def _item(card: Card) -> str:
    address = escape(card.address)
    is_link = card.address.startswith(("/", "http"))
    text = address.removeprefix("http://").partition("/")[0] or address
    link = f'<a href="{address}">{text}</a>' if is_link else f"<code>{address}</code>"
    return f"<li><b>{escape(card.name)}</b><span>{escape(card.purpose)}</span>{link}</li>"
