"""Everything Envoy reads, from routes and settings: a pure function, so that what is live can be computed anywhere.

Each file carries a version: the routes document's, and a digest of the file. Envoy reports it back once it obeys.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from matapalo.auth.key_source import KeySource
from matapalo.strangler.envoy.bootstrap import bootstrap
from matapalo.strangler.envoy.clusters import clusters
from matapalo.strangler.envoy.edge import edge_table
from matapalo.strangler.envoy.internal import internal_table
from matapalo.strangler.envoy.landing import MAX_PAGE_BYTES
from matapalo.strangler.envoy.listeners import EDGE, INTERNAL, listeners, route_file
from matapalo.strangler.envoy.policy import shared_by_all
from matapalo.strangler.envoy.xds import Json, typed
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Route
from matapalo.strangler.settings import Settings


class EnvoyFile(NamedTuple):
    """One of Envoy's files. ``version`` is empty for the bootstrap file, which Envoy reads once."""

    name: str
    version: str
    text: str

    def says_the_same_as(self, version: str | None) -> bool:
        """Whether a file of this version has the same content, from whichever version of the routes."""
        return version is not None and self.version.rpartition("-")[2] == version.rpartition("-")[2]

    def as_version(self, version: str) -> "EnvoyFile":
        """The same content under another version."""
        return EnvoyFile(self.name, version, self.text.replace(self.version, version, 1))


class EnvoyFiles(NamedTuple):
    """All of them. The order of the fields is the order of writing: what is referred to comes first."""

    bootstrap: EnvoyFile
    clusters: EnvoyFile
    edge_routes: EnvoyFile
    internal_routes: EnvoyFile
    listeners: EnvoyFile


def render(
    document: RoutesDocument, settings: Settings, keys: KeySource, *, retiring: Sequence[Route] = ()
) -> EnvoyFiles:
    """Envoy's files for this version of the routes, which must be valid. ``retiring``: the routes of the one before."""
    routes = document.routes

    def resources(name: str, found: list[Json]) -> EnvoyFile:
        body = msgspec.json.encode(found).decode()
        version = f"{document.version}-{hashlib.sha256(body.encode()).hexdigest()[:12]}"
        return EnvoyFile(name, version, f'{{"version_info":"{version}","resources":{body}}}\n')

    return EnvoyFiles(
        bootstrap=EnvoyFile("bootstrap.yaml", "", json.dumps(bootstrap(settings), indent=2) + "\n"),
        clusters=resources("cds.json", clusters(routes, settings, retiring=retiring)),
        edge_routes=resources(route_file(EDGE), [_table(EDGE, edge_table(routes, settings), tells_reason=False)]),
        internal_routes=resources(route_file(INTERNAL), [_table(INTERNAL, internal_table(routes), tells_reason=True)]),
        listeners=resources("lds.json", listeners(settings, keys)),
    )


def _table(listener: str, outcome: Json, *, tells_reason: bool) -> Json:
    return typed(
        "envoy.config.route.v3.RouteConfiguration",
        name=listener,
        max_direct_response_body_size_bytes=MAX_PAGE_BYTES,
        virtual_hosts=[{"name": listener, "domains": ["*"], **outcome, **shared_by_all(tells_reason=tells_reason)}],
    )
