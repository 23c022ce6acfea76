"""The two listeners: how connections are read and what happens to a request before and after it is routed.

They change only with the settings. What must change while traffic flows belongs into the route tables: connections
that are already open stay with the listener they were accepted by (measured).
"""

from pathlib import Path

from matapalo.auth.keys import KeySource
from matapalo.strangler.envoy.identity import (
    deny_bad_tokens,
    drop_malformed_canary,
    strip_claimed_identity,
    verify_token,
)
from matapalo.strangler.envoy.problems import local_responses
from matapalo.strangler.envoy.xds import Json, address, extension, typed
from matapalo.strangler.settings import Settings

EDGE, INTERNAL = "edge", "internal"


def route_file(listener: str) -> str:
    """The file with the route table of a listener (Envoy takes exactly one table from a file)."""
    return f"rds.{listener}.json"


def listeners(settings: Settings, keys: KeySource) -> list[Json]:
    """Both listeners, as resources of `lds.json`."""
    edge = {
        "use_remote_address": True,
        # No request at the edge counts as internal, not even from loopback: internal ones may steer Envoy by headers.
        # The range is an address no host has, because an empty list means Envoy's default.
        "internal_address_config": {"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]},
        "preserve_external_request_id": True,
        "early_header_mutation_extensions": [strip_claimed_identity()],
        "http_filters": [
            verify_token(keys, issuer=settings.jwt_issuer, clients=settings.clients),
            deny_bad_tokens(),
            drop_malformed_canary(),
            _router(),
        ],
    }
    internal = {"http_filters": [_router()]}
    return [
        _listener(EDGE, address(settings.edge_host, settings.edge_port), settings, edge),
        _listener(INTERNAL, address(settings.internal_host, settings.internal_port), settings, internal),
    ]


def _listener(name: str, where: Json, settings: Settings, connection_manager: Json) -> Json:
    manager = extension(
        "envoy.filters.network.http_connection_manager",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=name,
        rds={"route_config_name": name, "config_source": config_source(settings, route_file(name))},
        # Routes see one spelling of a path: RFC 3986 §6, and an encoded slash is refused.
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action="REJECT_REQUEST",
        common_http_protocol_options={"idle_timeout": "300s", "headers_with_underscores_action": "DROP_HEADER"},
        stream_idle_timeout="300s",
        request_headers_timeout="10s",
        request_timeout="60s",
        generate_request_id=True,
        always_set_request_id_in_response=True,
        request_id_extension={
            "typed_config": typed(
                "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
                pack_trace_reason=False,  # or the client's id would come back with one digit changed
            )
        },
        server_name="matapalo",
        **local_responses(),
        access_log=[_access_log(name, settings), _legacy_log(settings)],
        **connection_manager,
    )
    return typed(
        "envoy.config.listener.v3.Listener",
        name=name,
        address=where,
        per_connection_buffer_limit_bytes=65_536,
        filter_chains=[{"filters": [manager]}],
    )


def config_source(settings: Settings, file: str) -> Json:
    """A file that Envoy follows: it sees renames within the folder, never writes in place."""
    return {"path_config_source": {"path": str(settings.envoy_dir.absolute() / file)}, "resource_api_version": "V3"}


def _router() -> Json:
    return extension("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router")


def _access_log(listener: str, settings: Settings) -> Json:
    log_format = {
        "json_format": {
            "time": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
            "listener": listener,
            "route": "%ROUTE_NAME%",
            "target": "%UPSTREAM_METADATA(strangler:target)%",
            "upstream": "%UPSTREAM_CLUSTER%",
            "method": "%REQ(:METHOD)%",
            "path": "%PATH(NQ:ORIG_OR_PATH)%",  # without the query, which may hold what does not belong into logs
            "status": "%RESPONSE_CODE%",
            "details": "%RESPONSE_CODE_DETAILS%",
            "flags": "%RESPONSE_FLAGS%",
            "duration_ms": "%DURATION%",
            "sent_bytes": "%BYTES_SENT%",
            "request_id": "%REQ(X-REQUEST-ID)%",
            "traceparent": "%REQ(TRACEPARENT)%",
            "user": "%REQ(X-USER-ID)%",
            "client": "%REQ(X-CLIENT-NAME)%",
            "client_version": "%REQ(X-CLIENT-VERSION)%",
            "user_agent": "%REQ(USER-AGENT)%",
        }
    }
    if settings.access_log is None:
        stream = "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog"
        return extension("envoy.access_loggers.stdout", stream, log_format=log_format)
    return _file_log(settings.access_log, log_format)


def _file_log(path: Path, log_format: Json) -> Json:
    file = "envoy.extensions.access_loggers.file.v3.FileAccessLog"
    return extension("envoy.access_loggers.file", file, path=str(path.absolute()), log_format=log_format)


LEGACY_LOG = "legacy-hits.log"
"""In the folder of the files: requests that reached a legacy side, for `matapalo.strangler.agent.hits`."""


def _legacy_log(settings: Settings) -> Json:
    """One JSON object for each request that was sent to a legacy side, also as a fallback."""
    line = {
        "ms": "%START_TIME(%s%3f)%",
        "route": "%ROUTE_NAME%",
        "method": "%REQ(:METHOD)%",
        "client": "%REQ(X-CLIENT-NAME):64%",
        "version": "%REQ(X-CLIENT-VERSION):32%",
        "agent": "%REQ(USER-AGENT):120%",
    }
    return {
        "filter": {
            "extension_filter": extension(
                "envoy.access_loggers.extension_filters.cel",
                "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                expression=(
                    "has(xds.upstream_host_metadata) && "
                    "xds.upstream_host_metadata.filter_metadata['strangler']['target'] == 'legacy'"
                ),
            )
        },
        **_file_log(settings.envoy_dir / LEGACY_LOG, {"json_format": line}),
    }
