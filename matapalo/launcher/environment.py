"""The environment of the processes: how the launcher tells each where the others are.

Our own processes are configured by variables alone (BFF_…, GATEWAY_…), a project's by those of its `[processes]`.
They inherit the launcher's environment first, so `BFF_HTTP_CLIENT=httpx matapalo up` works; addresses and keys always
come from here. Engines get only what a program needs to run, none of the secrets.

``MARK`` names the data directory in every child's environment: by it the next start recognises what a killed launcher
left behind, also a process that was started an instant before the kill and never written down.
"""

import json
import os

from matapalo.launcher import keys
from matapalo.launcher.engines import postgres
from matapalo.launcher.platform import Platform
from matapalo.project.declaration import Process as Declared
from matapalo.project.declaration import Project
from matapalo.project.location import VARIABLE
from matapalo.strangler.settings import upstream_of

MARK = "MATAPALO_DATA_DIR"
PASSED_TO_ENGINES = ("PATH", "HOME", "USER", "TMPDIR", "LANG", "LC_ALL", "TZ")


class _ShiftedPorts:
    """Formats as ``{port:9000}``: the documented port, with the platform's offset."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def __format__(self, documented: str) -> str:
        return str(self._platform.port(int(documented)))


def of_an_engine(platform: Platform) -> dict[str, str]:
    """For Valkey, PostgreSQL, Temporal and Envoy."""
    inherited = dict(os.environ)  # noqa: TID251 - a launcher builds its children's environment
    return {
        "USER": "matapalo",  # Temporal's server refuses to start as a user without any name
        **{name: inherited[name] for name in PASSED_TO_ENGINES if name in inherited},
        MARK: str(platform.data.root),
    }


def of_our_process(platform: Platform, project: Project) -> dict[str, str]:
    """For every process that `matapalo` itself runs."""
    return {**_common(platform, project), **_bff(platform), **_gateway(platform, project)}


def of_a_process_of_the_project(platform: Platform, project: Project, process: Declared) -> dict[str, str]:
    """For a command of `[processes]`: its own variables, with the addresses they name filled in."""
    places = {
        "port": _ShiftedPorts(platform),
        "postgres": f"{postgres.USER}@{platform.address(5439)}/{postgres.DATABASE}",
        "redis": _redis_url(platform),
    }
    return {**_common(platform, project), **{name: text.format_map(places) for name, text in process.env.items()}}


def _common(platform: Platform, project: Project) -> dict[str, str]:
    return {
        **_inherited(),
        "MATAPALO_ENV": "development",
        MARK: str(platform.data.root),
        VARIABLE: str(project.file),
        "PYTHONUNBUFFERED": "1",
    }


def _inherited() -> dict[str, str]:
    """Without a key address of another environment: a process takes its keys from one place, here from a file."""
    inherited = dict(os.environ)  # noqa: TID251 - a launcher builds its children's environment
    return {name: value for name, value in inherited.items() if not name.endswith("_JWKS_URL")}


def _bff(platform: Platform) -> dict[str, str]:
    return {
        "BFF_HOST": "127.0.0.1",
        "BFF_GATEWAY_URL": platform.url(8081),
        "BFF_REDIS_URL": _redis_url(platform),
        "BFF_TEMPORAL_ADDRESS": platform.address(7233),
        "BFF_JWKS_FILE": str(keys.jwks_file(platform.data.keys)),
        "BFF_JWT_ISSUER": keys.ISSUER,
        "BFF_SECRETS": keys.secrets_file(platform.data.keys).read_text(),
        "BFF_METRICS_PORT": str(platform.port(8021)),
        "BFF_OUTBOX_DIR": str(platform.data.outbox),
    }


def _gateway(platform: Platform, project: Project) -> dict[str, str]:
    return {
        "GATEWAY_HOST": "127.0.0.1",
        "GATEWAY_REDIS_URL": _redis_url(platform),
        "GATEWAY_CONTROL_PORT": str(platform.port(8010)),
        "GATEWAY_AGENT_PORT": str(platform.port(8012)),
        "GATEWAY_COMPARE_PORT": str(platform.port(8011)),
        "GATEWAY_METRICS_PORT": str(platform.port(8022)),
        "GATEWAY_TEMPORAL_ADDRESS": platform.address(7233),
        "GATEWAY_METRICS_INTERVAL_S": "2",  # ten seconds in production: too long for a first look
        "GATEWAY_ENVOY_DIR": str(platform.data.envoy),
        "GATEWAY_ADMIN_SOCKET": str(platform.data.sockets / "envoy.sock"),
        "GATEWAY_EDGE_PORT": str(platform.port(8080)),
        "GATEWAY_INTERNAL_PORT": str(platform.port(8081)),
        "GATEWAY_UPSTREAMS": json.dumps(_upstreams(platform, project)),
        "GATEWAY_JWKS_FILE": str(keys.jwks_file(platform.data.keys)),
        "GATEWAY_JWT_ISSUER": keys.ISSUER,
        "GATEWAY_QUIET_PERIOD_S": "60",  # a week in production: long enough to see the report change its mind
        "GATEWAY_NODE_ID": f"matapalo-{platform.offset}",
    }


def _upstreams(platform: Platform, project: Project) -> dict[str, str]:
    """Those of this platform listen on shifted ports; a service that is only used keeps its address."""
    upstreams = {
        service.name: platform.address(service.address.port) if service.process else str(service.address)
        for service in project.services.values()
    }
    upstreams |= {upstream_of(client.name): platform.address(client.port) for client in project.clients.values()}
    return upstreams | {"control": platform.address(8010), "compare": platform.address(8011)}


def _redis_url(platform: Platform) -> str:
    return f"redis://{platform.address(6390)}/0"
