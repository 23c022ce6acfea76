"""docker-compose.yml as Compose reads it, and where it departs from what a project declares."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from matapalo.launcher.processes import Process, table
from matapalo.project.declaration import Project
from matapalo.strangler.settings import of_the_project

FILE = Path(__file__).parents[2] / "docker-compose.yml"
#: What Temporal's development server is and does in one process.
OF_TEMPORAL = ("temporal", "temporal-attributes", "temporal-ui")
VARIABLES = {
    "MATAPALO_JWT_ISSUER": "https://id.example.com/",
    "MATAPALO_JWKS_URL": "https://id.example.com/jwks.json",
    "MATAPALO_SECRETS": '["0123456789abcdef0123456789abcdef"]',
    "MATAPALO_SMTP_URL": "smtp://mail.example.com:587",
    "MATAPALO_POSTGRES_PASSWORD": "secretOfPostgres",
    "MATAPALO_VALKEY_PASSWORD": "secretOfValkey",
}

Service = Mapping[str, Any]


class Expected(NamedTuple):
    """What a service of ours must be; ``ready`` is None for one that ends by itself."""

    command: list[str]
    ports: set[int]
    ready: str | None
    needs: Mapping[str, str]


def read(text: str) -> dict[str, Any]:
    """The file with its variables filled in. Each must be required: `${NAME:?what it is}`."""
    document: dict[str, Any] = _interpolated(yaml.safe_load(text))
    return document


def _interpolated(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _interpolated(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_interpolated(inner) for inner in value]
    if not isinstance(value, str):
        return value
    assert re.fullmatch(r"([^$]|\$\$|\$\{\w+:\?[^}]+\})*", value), f"{value}: a variable is required, with a word on it"
    return re.sub(r"\$\{(\w+)[^}]*\}", lambda match: VARIABLES[match[1]], value).replace("$$", "$")


def ports_of(service: Service) -> set[int]:
    """Every port the service declares, published or not."""
    return {int(str(entry).rpartition(":")[2]) for entry in (*service.get("expose", ()), *service.get("ports", ()))}


def health_check(url: str) -> list[str]:
    """How a container of ours asks itself: its image has Python, and no curl."""
    return ["CMD", "python", "-c", f"from urllib.request import urlopen as get; get('{url}')"]


def expectations(project: Project) -> dict[str, Expected]:
    """By name: each process of the launcher's table that is no engine, but each REST service as one of its own."""
    rows = table(project)
    return dict(expectation for row in rows if row.program for expectation in _expected(row, rows, project))


def _expected(row: Process, rows: tuple[Process, ...], project: Project) -> Iterator[tuple[str, Expected]]:
    one_shots = {other.name for other in rows if other.one_shot}
    needs = {need: "service_completed_successfully" if need in one_shots else "service_healthy" for need in row.needs}
    services = [service for service in project.services.values() if service.process == row.name]
    for service in services:
        port = service.address.port
        ready = f"http://127.0.0.1:{port}{service.ready}"
        yield service.name, Expected([*row.program[:-1], service.name], {port}, ready, needs)
    if not services:
        ports = [*row.ports.values()]
        ready_at = None if row.one_shot else f"http://127.0.0.1:{ports[0]}/readyz"
        yield row.name, Expected([*row.program], {*ports}, ready_at, needs)


def departures(project: Project, services: Mapping[str, Service]) -> list[str]:
    """A sentence for everything in which the file is not what the project declares."""
    expected = expectations(project)
    engines = {row.name: row for row in table(project) if row.engine}
    names = {*expected, *engines}
    sentences = [f"{name} is declared, but is no service of docker-compose.yml" for name in names - {*services}]
    undeclared = {*services} - names - {*OF_TEMPORAL}
    sentences += [f"{name} is a service of docker-compose.yml, but is not declared" for name in undeclared]
    for name in names & {*services}:
        if name in engines:
            parts = OF_TEMPORAL if name == "temporal" else (name,)
            ports = set[int]().union(*(ports_of(services[part]) for part in parts))
            sentences += _different(f"{name} listens on", ports, {*engines[name].ports.values()})
        else:
            sentences += _departures_of(name, expected[name], services[name])
    return sorted([*sentences, *_departures_of_upstreams(project, services), *_of_attributes(project, services)])


def _departures_of(name: str, expected: Expected, service: Service) -> Iterator[str]:
    yield from _different(f"{name} runs", service["command"], expected.command)
    yield from _different(f"{name} listens on", ports_of(service), expected.ports)
    check = service.get("healthcheck", {}).get("test")
    yield from _different(f"{name} checks", check, health_check(expected.ready) if expected.ready else None)
    for need, condition in expected.needs.items():
        actual = service.get("depends_on", {}).get(need, {}).get("condition")
        yield from _different(f"{name} waits for {need} until", actual, condition)


def _departures_of_upstreams(project: Project, services: Mapping[str, Service]) -> Iterator[str]:
    """A service that the project only uses, having no process for it, stays where it is."""
    expected = {
        name: f"{upstream.host if name in project.services and not project.services[name].process else host}:"
        f"{upstream.port}"
        for name, upstream in of_the_project(project)["upstreams"].items()
        for host in [name.removeprefix("bff-")]
    }
    for process in ("control", "agent", "compare", "rollouts"):
        upstreams = yaml.safe_load(services[process]["environment"]["GATEWAY_UPSTREAMS"])
        for name in sorted({*expected, *upstreams}):
            yield from _different(f"{process}: upstream {name} is", upstreams.get(name), expected.get(name))


def _of_attributes(project: Project, services: Mapping[str, Service]) -> Iterator[str]:
    script = services["temporal-attributes"]["command"][0]
    attributes = dict(re.findall(r"--name (\w+) --type (\w+)", script))
    expected = dict(project.worker.search_attributes) if project.worker else {}
    yield from _different("the search attributes are", attributes, expected)


def _different(subject: str, actual: object, expected: object) -> Iterator[str]:
    if actual != expected:
        yield f"{subject} {actual}, not {expected}"
