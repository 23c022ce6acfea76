"""Everything Envoy reads, from routes and settings: a pure function, so that what is live can be computed anywhere.

Each file carries a version: the routes document's, and a digest of the file. Envoy reports it back once it obeys.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gateway.auth.keys import KeySource
from gateway.dataplane.bootstrap import bootstrap
from gateway.dataplane.clusters import clusters
from gateway.dataplane.edge import edge_table
from gateway.dataplane.internal import internal_table
from gateway.dataplane.landing import MAX_PAGE_BYTES
from gateway.dataplane.listeners import EDGE, INTERNAL, listeners, route_file
from gateway.dataplane.policy import shared_by_all
from gateway.dataplane.xds import Json, typed
from gateway.routing.document import RoutesDocument
from gateway.routing.route import Route
from gateway.settings import Settings


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
