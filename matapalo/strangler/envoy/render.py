"""Everything Envoy reads, from routes and settings: a pure function, so that what is live can be computed anywhere.

Each file carries a version, the routes document's and a digest of the file: Envoy reports it back once it is live.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from matapalo.auth.keys import KeySource
from matapalo.strangler.envoy.bootstrap import bootstrap
from matapalo.strangler.envoy.clusters import clusters
from matapalo.strangler.envoy.landing_page import MAX_PAGE_BYTES
from matapalo.strangler.envoy.listeners import EDGE, INTERNAL, listeners, route_file
from matapalo.strangler.envoy.policy import virtual_host_defaults
from matapalo.strangler.envoy.tables import edge_table, internal_table
from matapalo.strangler.envoy.xds import Json, typed
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Route
from matapalo.strangler.settings import Settings


class EnvoyFile(NamedTuple):
    """A file of Envoy's. ``version`` is empty for the bootstrap file, which Envoy reads once."""

    name: str
    version: str
    text: str

    def has_content_of(self, version: str) -> bool:
        """Whether a file of this version has the same content, from whichever version of the routes."""
        return self.version.rpartition("-")[2] == version.rpartition("-")[2]

    def as_version(self, version: str) -> "EnvoyFile":
        return EnvoyFile(self.name, version, self.text.replace(self.version, version, 1))


class EnvoyFiles(NamedTuple):
    """All files, in the order of writing: what is referred to comes first."""

    bootstrap: EnvoyFile
    clusters: EnvoyFile
    edge_routes: EnvoyFile
    internal_routes: EnvoyFile
    listeners: EnvoyFile


def render(
    document: RoutesDocument, settings: Settings, keys: KeySource, *, previous: Sequence[Route] = ()
) -> EnvoyFiles:
    """The files for this version of the routes, which must be valid. ``previous``: the routes of the version before."""
    routes = document.routes

    def file(name: str, resources: list[Json]) -> EnvoyFile:
        body = msgspec.json.encode(resources).decode()
        version = f"{document.version}-{hashlib.sha256(body.encode()).hexdigest()[:12]}"
        return EnvoyFile(name, version, f'{{"version_info":"{version}","resources":{body}}}\n')

    return EnvoyFiles(
        bootstrap=EnvoyFile("bootstrap.yaml", "", json.dumps(bootstrap(settings), indent=2) + "\n"),
        clusters=file("cds.json", clusters(routes, settings, previous=previous)),
        edge_routes=file(route_file(EDGE), [_table(EDGE, edge_table(routes, settings), with_reason=False)]),
        internal_routes=file(route_file(INTERNAL), [_table(INTERNAL, internal_table(routes), with_reason=True)]),
        listeners=file("lds.json", listeners(settings, keys)),
    )


def _table(listener: str, outcome: Json, *, with_reason: bool) -> Json:
    return typed(
        "envoy.config.route.v3.RouteConfiguration",
        name=listener,
        max_direct_response_body_size_bytes=MAX_PAGE_BYTES,
        virtual_hosts=[
            {"name": listener, "domains": ["*"], **outcome, **virtual_host_defaults(with_reason=with_reason)}
        ],
    )
