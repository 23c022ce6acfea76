"""Envoy's start-up file: its node id, its admin socket and the files it follows. Depends on the settings alone."""

from matapalo.strangler.envoy.listeners import config_source
from matapalo.strangler.envoy.xds import Json, extension
from matapalo.strangler.settings import Settings

_REGEX_LIMITS = {f"re2.max_program_size.{level}_level": 100_000 for level in ("warn", "error")}
"""Envoy's default of 100 instructions refuses `[a-z]{1,64}`; our expressions are our own, none is a client's."""


def bootstrap(settings: Settings) -> Json:
    return {
        "node": {"id": settings.node_id, "cluster": "matapalo"},
        # The admin interface has no authentication: a socket only its owner can open, instead of a port.
        "admin": {"address": {"pipe": {"path": str(settings.admin_socket.absolute()), "mode": 0o600}}},
        # Histograms merge at this interval; counters are immediate. Gates compare both.
        "stats_flush_interval": "1s",
        "dynamic_resources": {
            "lds_config": config_source(settings, "lds.json"),
            "cds_config": config_source(settings, "cds.json"),
        },
        "layered_runtime": {"layers": [{"name": "limits", "static_layer": _REGEX_LIMITS}]},
        "overload_manager": {
            "resource_monitors": [
                extension(
                    "envoy.resource_monitors.global_downstream_max_connections",
                    "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                    max_active_downstream_connections=20_000,
                )
            ]
        },
    }
