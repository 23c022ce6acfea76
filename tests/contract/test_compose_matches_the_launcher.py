"""docker-compose.yml describes the same platform as `matapalo up`, and is a sound file (it is not run in CI).

Only the structure that the launcher's table and the file have in common is compared: names, commands, ports, order.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from matapalo.launcher.engines import envoy
from matapalo.launcher.processes import Process, table
from tests.harness.shop import SHOP, UPSTREAMS

ROOT = Path(__file__).parents[2]
PROCESSES = table(SHOP)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
HELPERS = {"temporal-ui": "temporal", "temporal-attributes": "temporal"}  # what the development server does by itself
IMAGES = {
    "valkey": "valkey/valkey",
    "postgres": "postgres",
    "temporal": "temporalio/auto-setup",
    "envoy": "envoyproxy/envoy",
}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}

ours = [row for row in PROCESSES if row.program]


def published(service: dict[str, Any]) -> dict[int, str]:
    """Container port -> the address it is published on."""
    found = {}
    for entry in service.get("ports", []):
        *address, container = entry.split(":")
        found[int(container)] = ":".join(address)
    return found


def inside(service: dict[str, Any]) -> set[int]:
    """Every port the service declares, published or not."""
    found = set(published(service))
    for entry in service.get("expose", []):
        first, _, last = entry.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def variables(service: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = service.get("environment", {})
    return found


def test_the_services_are_the_launchers_processes() -> None:
    assert set(SERVICES) - set(HELPERS) == {row.name for row in PROCESSES}


@pytest.mark.parametrize("row", ours, ids=lambda row: row.name)
def test_our_processes_run_the_same_command(row: Process) -> None:
    assert SERVICES[row.name]["command"] == list(row.program)
    assert SERVICES[row.name]["build"] == "."


@pytest.mark.parametrize("row", PROCESSES, ids=lambda row: row.name)
def test_the_ports_are_the_launchers(row: Process) -> None:
    helpers = [SERVICES[helper] for helper, of in HELPERS.items() if of == row.name]
    declared = set().union(*(inside(service) for service in (SERVICES[row.name], *helpers)))
    assert declared == set(row.ports.values())


@pytest.mark.parametrize("name", IMAGES)
def test_engines_run_their_own_images_at_a_pinned_version(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].partition(":")
    assert image == IMAGES[name]
    assert tag not in {"", "latest"}


def test_envoy_gets_the_launchers_options() -> None:
    config = SERVICES["envoy"]["command"][1]
    assert SERVICES["envoy"]["command"] == envoy.command(bootstrap=Path(config))[1:]


def test_what_a_process_needs_is_waited_for() -> None:
    for row in PROCESSES:
        for need in row.needs:
            condition = SERVICES[row.name]["depends_on"][need]["condition"]
            one_shot = next(other for other in PROCESSES if other.name == need).one_shot
            assert condition == ("service_completed_successfully" if one_shot else "service_healthy"), row.name


def test_only_the_edge_and_on_loopback_the_temporal_ui_are_published() -> None:
    addresses = {name: published(service) for name, service in SERVICES.items() if published(service)}
    assert addresses == {"envoy": {8080: "8080"}, "temporal-ui": {8233: "127.0.0.1:8233"}}


def test_every_upstream_is_a_service_that_has_the_port() -> None:
    upstreams = yaml.safe_load(variables(SERVICES["agent"])["GATEWAY_UPSTREAMS"])
    assert {name: int(address.split(":")[1]) for name, address in upstreams.items()} == {
        name: upstream.port for name, upstream in UPSTREAMS.items()
    }
    for address in upstreams.values():
        host, port = address.split(":")
        assert int(port) in inside(SERVICES[host])


@pytest.mark.parametrize("name", SERVICES)
def test_the_file_is_sound(name: str) -> None:
    service = SERVICES[name]
    assert ("image" in service) or ("build" in service)
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    for other, how in service.get("depends_on", {}).items():
        assert other in SERVICES
        assert how["condition"] in CONDITIONS
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other], f"{name} waits for the health of {other}, which has no check"
    for volume in service.get("volumes", []):
        assert volume.split(":")[0] in COMPOSE["volumes"]
    assert all(isinstance(value, str) for value in variables(service).values()), "YAML would retype the value"


def test_production_is_never_the_development_issuer() -> None:
    for row in ours:
        service = variables(SERVICES[row.name])
        assert service["MATAPALO_ENV"] == "production"
        assert not any("matapalo-dev" in value for value in service.values())


def test_the_image_holds_every_package_a_command_runs() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "COPY matapalo matapalo" in dockerfile
    for row in ours:
        assert all(f"COPY {folder.name} {folder.name}" in dockerfile for folder in row.sources)
