"""Envoy's clusters: one for each side of each route (``things.new``, ``things.legacy``), one for each fixed upstream.

Two sides of one route are two clusters even where several routes share the monolith, so that their statistics compare
(``cluster.things_new.…`` against ``cluster.things_legacy.…``). Each endpoint names its side in its metadata. A route
that falls back has a third, ``things.new-or-legacy``: the new side, and the legacy one while that fails.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from matapalo.strangler.envoy.xds import CACHED, Json, address, extension, fragment, typed
from matapalo.strangler.routing.route import Route, Side
from matapalo.strangler.routing.validate import COMPARATOR
from matapalo.strangler.settings import Settings, Upstream

TARGET_METADATA = "strangler"
JWKS_CLUSTER = "jwks"
_FALLBACK = ".new-or-legacy"

UPSTREAM_IDLE_TIMEOUT = "4s"
"""Below the 5 s after which uvicorn closes an idle connection: the sender closes first, so no request is lost."""


def cluster_name(route: Route, side: Side) -> str:
    return f"{route.name}.{side}"


def fallback_name(route: Route) -> str:
    """The cluster that is the new side, and the legacy side while the new one fails."""
    return f"{route.name}{_FALLBACK}"


def clusters(routes: Sequence[Route], settings: Settings, *, previous: Sequence[Route] = ()) -> list[Json]:
    """All clusters, as resources of `cds.json`. ``previous`` are the routes of the version before."""
    by_name = {name: _cluster(name, settings.upstreams[name]) for name in settings.fixed_upstreams}
    # The clusters of the version before stay one version longer: a request routed a moment ago keeps its cluster.
    routes = (*previous, *routes)
    if any(route.shadow_bp for route in routes):
        by_name[COMPARATOR] = _comparator(settings.upstreams[COMPARATOR])
    for route in routes:
        for side in route.sides:
            name, upstream = cluster_name(route, side), settings.upstreams[route.upstream(side)]
            by_name[name] = _side(name, side, upstream, falls_back=route.falls_back)
        if route.falls_back:
            by_name[fallback_name(route)] = _fallback(route.name)
    if settings.jwks_url is not None:
        by_name[JWKS_CLUSTER] = _jwks_cluster(settings.jwks_url, ca_file=str(settings.jwks_ca_file))
    return [*by_name.values()]


@lru_cache(2 * CACHED)
def _side(name: str, side: Side, upstream: Upstream, *, falls_back: bool) -> Json:
    cluster = _cluster(name, upstream, target=side)
    if side is Side.NEW and falls_back:
        # Five failures in a row eject it, but only for a moment: the gates judge a side by how it does now.
        cluster["outlier_detection"] = {
            "consecutive_5xx": 5,
            "interval": "1s",
            "base_ejection_time": "1s",
            "max_ejection_time": "2s",
            "max_ejection_percent": 100,
        }
    return fragment(cluster)


@lru_cache(CACHED)
def _fallback(route: str) -> Json:
    name = f"{route}{_FALLBACK}"
    cluster = typed(
        "envoy.config.cluster.v3.Cluster",
        name=name,
        # These statistics have the latencies that callers of the new side see; failures are counted at the hosts of
        # `things.new`, because an aggregate cluster keeps the rest to itself (measured).
        alt_stat_name=name.replace(".", "_"),
        cluster_type=extension(
            "envoy.clusters.aggregate",
            "envoy.extensions.clusters.aggregate.v3.ClusterConfig",
            clusters=[f"{route}.{side}" for side in (Side.NEW, Side.LEGACY)],
        ),
        lb_policy="CLUSTER_PROVIDED",
        connect_timeout="0.5s",
        # Every request may need the other side at once; the sides' own limits still hold.
        circuit_breakers={"thresholds": [{"max_requests": 4096, "max_retries": 4096}]},
    )
    return fragment(cluster)


def _comparator(upstream: Upstream) -> Json:
    cluster = _cluster(COMPARATOR, upstream)
    # Few copies at a time: when the comparator is slow, copies are dropped and no client waits.
    cluster["circuit_breakers"] = {
        "thresholds": [{"max_connections": 16, "max_pending_requests": 64, "max_requests": 64, "max_retries": 0}]
    }
    return cluster


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
