"""The environment of the processes: how the launcher tells each where the others are.

Our own processes are configured by variables alone (BFF_…, GATEWAY_…, SUBGRAPHS_…). They inherit the launcher's
environment first, so `BFF_HTTP_CLIENT=httpx matapalo up` works; addresses and keys always come from here. Engines get
only what a program needs to run, none of the secrets.

``MARK`` names the data directory in every child's environment: by it the next start recognises what a killed launcher
left behind, also a process that was started an instant before the kill and never written down.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from matapalo.launcher import keys
from matapalo.launcher.engines import postgres
from matapalo.launcher.platform import Platform
from matapalo.project.location import find

MARK = "MATAPALO_DATA_DIR"
PASSED_TO_ENGINES = ("PATH", "HOME", "USER", "TMPDIR", "LANG", "LC_ALL", "TZ")
SERVICES = ("legacy", "customers", "orders", "products", "payments", "inventory", "shipping", "recommendations")
SERVICE_PORTS: Mapping[str, int] = {name: 9000 + index for index, name in enumerate(SERVICES)}
UPSTREAMS: Mapping[str, int] = {**SERVICE_PORTS, "bff-web": 8001, "bff-mobile": 8002, "control": 8010, "compare": 8011}


def of_an_engine(platform: Platform) -> dict[str, str]:
    """For Valkey, PostgreSQL, Temporal and Envoy."""
    inherited = dict(os.environ)  # noqa: TID251 - a launcher builds its children's environment
    return {
        "USER": "matapalo",  # Temporal's server refuses to start as a user without any name
        **{name: inherited[name] for name in PASSED_TO_ENGINES if name in inherited},
        MARK: str(platform.data.root),
    }


def of_our_process(platform: Platform) -> dict[str, str]:
    """For every process of `bff`, `gateway` and `subgraphs`."""
    return {
        **_inherited(),
        "MATAPALO_ENV": "development",
        MARK: str(platform.data.root),
        "MATAPALO_PROJECT": str(find()),
        "PYTHONUNBUFFERED": "1",
        **_bff(platform),
        **_gateway(platform),
        **_subgraphs(platform),
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


def _gateway(platform: Platform) -> dict[str, str]:
    return {
        "GATEWAY_HOST": "127.0.0.1",
        "GATEWAY_REDIS_URL": _redis_url(platform),
        "GATEWAY_CONTROL_PORT": str(platform.port(8010)),
        "GATEWAY_AGENT_PORT": str(platform.port(8012)),
        "GATEWAY_COMPARE_PORT": str(platform.port(8011)),
        "GATEWAY_METRICS_PORT": str(platform.port(8022)),
        "GATEWAY_TEMPORAL_ADDRESS": platform.address(7233),
        "GATEWAY_METRICS_INTERVAL_S": "2",  # ten seconds in production: whoever tries it out wants to see something
        "GATEWAY_ENVOY_DIR": str(platform.data.envoy),
        "GATEWAY_ADMIN_SOCKET": str(platform.data.sockets / "envoy.sock"),
        "GATEWAY_EDGE_PORT": str(platform.port(8080)),
        "GATEWAY_INTERNAL_PORT": str(platform.port(8081)),
        "GATEWAY_UPSTREAMS": json.dumps({name: platform.address(port) for name, port in UPSTREAMS.items()}),
        "GATEWAY_JWKS_FILE": str(keys.jwks_file(platform.data.keys)),
        "GATEWAY_JWT_ISSUER": keys.ISSUER,
        "GATEWAY_QUIET_PERIOD_S": "60",  # a week in production: long enough to see the report change its mind
        "GATEWAY_NODE_ID": f"matapalo-{platform.offset}",
        "GATEWAY_ROUTES_FILE": str(Path("gateway/routes.toml").absolute()),
        "GATEWAY_COMPARE_FILE": str(Path("gateway/compare.toml").absolute()),
    }


def _subgraphs(platform: Platform) -> dict[str, str]:
    address = f"{postgres.USER}@{platform.address(5439)}/{postgres.DATABASE}"
    return {
        "SUBGRAPHS_HOST": "127.0.0.1",
        "SUBGRAPHS_DATABASE_URL": f"postgresql+asyncpg://{address}",
        "SUBGRAPHS_PORT_BASE": str(platform.port(9000)),
    }


def _redis_url(platform: Platform) -> str:
    return f"redis://{platform.address(6390)}/0"
