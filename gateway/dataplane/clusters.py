"""Envoy's clusters: one for each side of each route (``orders.new``, ``orders.legacy``), one for each fixed upstream.

Two sides of one route are two clusters even where several routes share the monolith, so that their statistics compare
(``cluster.orders_new.…`` against ``cluster.orders_legacy.…``). Each endpoint carries who it is in its metadata.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.dataplane.xds import Json, address, extension, typed
from gateway.routing.route import Route, Side
from gateway.settings import FIXED_UPSTREAMS, Settings, Upstream

TARGET_METADATA = "strangler"
JWKS_CLUSTER = "jwks"

UPSTREAM_IDLE_TIMEOUT = "4s"
"""Below the 5 s after which uvicorn closes an idle connection: whoever sends closes first, so no request is lost."""


def cluster_name(route: Route, side: Side) -> str:
    """The cluster of a side of a route."""
    return f"{route.name}.{side}"


def clusters(routes: Sequence[Route], settings: Settings, *, retiring: Sequence[Route] = ()) -> list[Json]:
    """All clusters, as resources of `cds.json`.

    ``retiring`` are routes of the version before: their clusters stay one version longer, so that no request that was
    routed a moment ago loses its cluster.
    """
    found = [_cluster(name, settings.upstreams[name]) for name in FIXED_UPSTREAMS]
    sides = {cluster_name(route, side): (route, side) for route in (*retiring, *routes) for side in Side}
    found += [
        _cluster(name, settings.upstreams[route.upstream(side)], target=side) for name, (route, side) in sides.items()
    ]
    if settings.jwks_url is not None:
        found.append(_jwks_cluster(settings.jwks_url, ca_file=str(settings.jwks_ca_file)))
    return found


def _cluster(name: str, upstream: Upstream, *, target: str | None = None) -> Json:
    endpoint: Json = {"endpoint": {"address": address(upstream.host, upstream.port)}}
    if target is not None:
        endpoint["metadata"] = {"filter_metadata": {TARGET_METADATA: {"target": target}}}
    return typed(
        "envoy.config.cluster.v3.Cluster",
        name=name,
        alt_stat_name=name.replace(".", "_"),
        **_discovery(upstream.host),
        connect_timeout="0.5s",
        circuit_breakers={
            "thresholds": [
                {"max_connections": 1024, "max_pending_requests": 1024, "max_requests": 4096, "max_retries": 32}
            ]
        },
        typed_extension_protocol_options={
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                common_http_protocol_options={"idle_timeout": UPSTREAM_IDLE_TIMEOUT},
                explicit_http_config={"http_protocol_options": {}},
            )
        },
        load_assignment={"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    )


def _jwks_cluster(url: str, *, ca_file: str) -> Json:
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_tls = parts.scheme == "https"
    cluster = _cluster(JWKS_CLUSTER, Upstream(host, parts.port or (443 if is_tls else 80)))
    if is_tls:
        cluster["transport_socket"] = extension(
            "envoy.transport_sockets.tls",
            "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            sni=host,
            auto_sni_san_validation=True,
            common_tls_context={"validation_context": {"trusted_ca": {"filename": ca_file}}},
        )
    return cluster


def _discovery(host: str) -> Json:
    try:
        ip_address(host)
    except ValueError:
        return {"type": "STRICT_DNS", "dns_lookup_family": "V4_PREFERRED", "respect_dns_ttl": True}
    return {"type": "STATIC"}
