"""The settings of the strangler's processes, from the environment (prefix ``GATEWAY_``, and ``MATAPALO_ENV``).

Built once in `matapalo.cli.gateway` and passed down; nothing else reads the environment. Raises InvalidSettings with
the variable, its value and what would be right.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from matapalo.project.declaration import Project, Service
from matapalo.strangler.errors import InvalidSettings

DEV_ISSUER = "matapalo-dev"
MAX_SOCKET_PATH = 100
"""sockaddr_un holds 108 bytes on Linux and 104 on macOS."""

Port = Annotated[int, Field(ge=1, le=65535)]


class Upstream(NamedTuple):
    """Where a named upstream listens: the only place for addresses, because a side of a route is an upstream's name."""

    host: str
    port: int


def _parse_upstream(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    host, separator, port = value.rpartition(":")
    if not (separator and host and port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise ValueError(f"{value!r} is not an address: write host:port, for example 127.0.0.1:9002")
    return Upstream(host.strip("[]"), int(port))


Share = Annotated[float, Field(gt=0, lt=1)]


class RolloutCriteria(BaseModel):
    """When a rollout's gates pass, fail or hold (`matapalo.strangler.verdict.checks`). Shares are 0-1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    significance: Share = 0.01
    min_requests: Annotated[int, Field(ge=20)] = 200
    """On each side; with less a gate holds."""
    min_compared: Annotated[int, Field(ge=20)] = 100
    """Comparisons; with less the comparator's gate holds."""
    error_ceiling: Share = 0.05
    """A share of failures that is never right, whatever legacy does."""
    error_allowance: Share = 0.005
    latency_allowance: Share = 0.1
    """Of legacy's median."""
    latency_allowance_ms: Annotated[float, Field(ge=1)] = 2.0
    tail_allowance: Share = 0.25
    """Of legacy's p99."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="GATEWAY_", env_ignore_empty=True, frozen=True, extra="forbid")

    environment: Literal["development", "production"] = Field(
        default="production", validation_alias=AliasChoices("MATAPALO_ENV", "environment")
    )
    redis_url: str = "redis://127.0.0.1:6390/0"
    host: str = "127.0.0.1"
    control_port: Port = 8010
    agent_port: Port = 8012
    compare_port: Port = 8011
    metrics_port: Port = 8022
    """Of the worker."""

    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "default"

    metrics_interval_s: Annotated[int, Field(ge=1, le=60)] = 10
    """How often the agent reads Envoy's statistics: the finest window there is. The same in every process."""
    rollout_criteria: RolloutCriteria = RolloutCriteria()
    rollout_check_every_s: Annotated[float, Field(ge=1)] = 600
    """How often a rollout's gates are asked, unless the rollout says otherwise."""
    compare_file: Path | None = None
    """What samples of differences may keep; nothing but kinds without it."""

    quiet_period_s: Annotated[int, Field(ge=1)] = 7 * 86_400
    """How long a legacy side must have had no request before it can be removed."""

    routes_file: Path
    upstreams: dict[str, Annotated[Upstream, BeforeValidator(_parse_upstream)]]
    clients: dict[str, str]
    """Those with a GraphQL endpoint at the edge: name -> description."""
    services: dict[str, str]
    """For people: name -> description."""

    node_id: str = Field(default="edge-1", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    envoy_dir: Path = Path(".matapalo/envoy")
    admin_socket: Path = Path(".matapalo/envoy/admin.sock")
    access_log: Path | None = None
    edge_host: str = "127.0.0.1"
    edge_port: Port = 8080
    internal_host: str = "127.0.0.1"
    internal_port: Port = 8081

    jwks_file: Path | None = None
    jwks_url: str | None = None
    jwks_ca_file: Path = Path("/etc/ssl/certs/ca-certificates.crt")
    jwt_issuer: str = DEV_ISSUER

    @property
    def fixed_upstreams(self) -> tuple[str, ...]:
        """Upstreams that the edge listener routes to by itself, whatever the routes say."""
        return (*(upstream_of(client) for client in self.clients), "control")

    @property
    def is_development(self) -> bool:
        return self.environment == "development"

    @model_validator(mode="after")
    def _refuse_what_cannot_work(self) -> Self:
        if (self.jwks_file is None) == (self.jwks_url is None):
            raise ValueError(
                "keys to verify tokens with come from one place: set either GATEWAY_JWKS_URL (production) "
                "or GATEWAY_JWKS_FILE"
            )
        parts = urlsplit(self.jwks_url or "")
        if self.jwks_url is not None and not (parts.scheme in ("http", "https") and parts.hostname):
            raise ValueError(f"GATEWAY_JWKS_URL is {self.jwks_url!r}: give an http:// or https:// address")
        if not self.is_development and self.jwt_issuer == DEV_ISSUER:
            raise ValueError(
                f"GATEWAY_JWT_ISSUER is {DEV_ISSUER!r}, the development issuer, and MATAPALO_ENV is 'production': "
                "set GATEWAY_JWT_ISSUER to your identity provider's issuer"
            )
        if len(os.fsencode(self.admin_socket.absolute())) > MAX_SOCKET_PATH:
            raise ValueError(
                f"GATEWAY_ADMIN_SOCKET is {str(self.admin_socket)!r}, longer than {MAX_SOCKET_PATH} bytes, "
                "which the kernel does not allow for a UNIX socket: use a shorter folder, for example under /tmp"
            )
        if missing := [name for name in self.fixed_upstreams if name not in self.upstreams]:
            raise ValueError(
                f"GATEWAY_UPSTREAMS does not say where {', '.join(missing)} listen: "
                f'add for example "{missing[0]}": "127.0.0.1:8001"'
            )
        return self


def upstream_of(client: str) -> str:
    return f"bff-{client}"


def of_the_project(project: Project) -> dict[str, Any]:
    """What `matapalo.toml` says to the gateway; the environment says otherwise with GATEWAY_*."""
    services = project.services.values()
    upstreams = {service.name: Upstream(service.address.host, service.address.port) for service in services}
    upstreams |= {upstream_of(client.name): Upstream("127.0.0.1", client.port) for client in project.clients.values()}
    return {
        "routes_file": project.strangler.routes,
        "compare_file": project.strangler.compare,
        "upstreams": upstreams | {"control": Upstream("127.0.0.1", 8010), "compare": Upstream("127.0.0.1", 8011)},
        "clients": {client.name: client.description for client in project.clients.values()},
        "services": {service.name: service.description or _purpose(service, project) for service in services},
    }


def _purpose(service: Service, project: Project) -> str:
    if service.name == project.strangler.monolith:
        return "The monolith"
    return f"The new side of {service.prefix}" if service.prefix else "A service"


def load(project: Project, *, placeholders: Mapping[str, Any] | None = None) -> Settings:
    """The settings of this process. A variable of our prefix that no setting reads is an error: often a misspelling.

    ``placeholders`` stand in for the token rules where the environment names no keys: only for looking at files.
    """
    variables = {f"GATEWAY_{name.upper()}" for name in Settings.model_fields if name != "environment"}
    ours = [name for name in os.environ if name.upper().startswith("GATEWAY_")]
    unknown = sorted(name for name in ours if name.upper() not in variables)
    if unknown:
        raise InvalidSettings([f"{name} is no setting of the gateway: correct or unset it" for name in unknown])
    chosen = {name.upper() for name in ours}
    declared = {
        name: value for name, value in of_the_project(project).items() if f"GATEWAY_{name.upper()}" not in chosen
    }
    if placeholders and chosen.isdisjoint({"GATEWAY_JWKS_FILE", "GATEWAY_JWKS_URL"}):
        declared |= {name: value for name, value in placeholders.items() if f"GATEWAY_{name.upper()}" not in chosen}
    try:
        return Settings(**declared)
    except SettingsError as error:
        raise InvalidSettings(['GATEWAY_UPSTREAMS is no JSON: write {"NAME": "127.0.0.1:9002", …}']) from error
    except ValidationError as error:
        raise InvalidSettings([_sentence(problem) for problem in error.errors()]) from error


def _sentence(problem: Any) -> str:
    message = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return str(message)
    field, *inside = problem["loc"]
    variable = field if field == "MATAPALO_ENV" else f"GATEWAY_{str(field).upper()}"
    place = "".join(f"[{key!r}]" for key in inside)
    return f"{variable}{place}: {message} (got {problem['input']!r})"
