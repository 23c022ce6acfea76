"""The processes of a project's platform, as one table for `up`, `status`, `logs` and the test of docker-compose.yml.

The order of the table is the order to read it in; what may start when follows from ``needs``, and processes of a higher
``layer`` are stopped before those of a lower one.
"""

import shlex
import shutil
import signal
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import matapalo
from matapalo.launcher import environment, probes
from matapalo.launcher.engines import envoy, postgres, temporal, valkey
from matapalo.launcher.errors import CommandError, UnknownName
from matapalo.launcher.platform import EDGE_PORT, Platform
from matapalo.launcher.probes import Probe
from matapalo.project.declaration import Client, Project
from matapalo.project.declaration import Process as Declared


class Layer(IntEnum):
    """What uses what while running: a higher layer sends requests to the lower ones."""

    ENGINE = 0
    SERVICE = 1
    DATA_PLANE = 2
    CLIENT = 3


@dataclass(frozen=True)
class Process:
    """One row. ``program`` is the command line of our own processes and the project's, ``engine`` builds an engine's.

    A row without ``ready`` ends by itself. ``sources`` are the folders whose changes restart it under `--reload`.
    """

    name: str
    layer: Layer
    ports: Mapping[str, int]
    program: tuple[str, ...] = ()
    engine: Callable[[Platform], list[str]] | None = None
    environment: Callable[[Platform], dict[str, str]] = environment.of_an_engine
    prepare: Callable[[Platform], None] | None = None
    ready: Callable[[Platform], Probe] | None = None
    needs: tuple[str, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    folder: Path | None = None
    sources: tuple[Path, ...] = ()

    def command(self, platform: Platform) -> list[str]:
        """The whole command line, with absolute programs."""
        return self.engine(platform) if self.engine else [_program(self.program[0]), *self.program[1:]]

    @property
    def one_shot(self) -> bool:
        """Whether it ends by itself and must end well."""
        return self.ready is None


def table(project: Project) -> tuple[Process, ...]:
    """Every process of a project's platform, in the order to read it in."""
    return (
        *_engines(project),
        *(_of_the_project(project, process) for process in project.processes.values()),
        *_strangler(project),
        *(_client(project, client) for client in project.clients.values()),
        *_workers(project),
    )


def named(rows: Sequence[Process], name: str) -> Process:
    """The row of this name. Raises UnknownName, with the names there are."""
    for process in rows:
        if process.name == name:
            return process
    raise UnknownName(f"there is no process {name!r}: choose one of {', '.join(process.name for process in rows)}")


def port_users(platform: Platform, rows: Sequence[Process]) -> dict[int, str]:
    """Every port the platform listens on, with the process (and its use) that wants it."""
    return {
        platform.port(port): process.name if use == process.name else f"{process.name}, {use}"
        for process in rows
        for use, port in process.ports.items()
    }


def _engines(project: Project) -> Iterator[Process]:
    attributes = project.worker.search_attributes if project.worker else {}
    yield Process(
        "valkey",
        Layer.ENGINE,
        ports={"redis": 6390},
        engine=lambda p: valkey.command(port=p.port(6390), data_dir=p.data.valkey),
        ready=lambda p: probes.valkey(p.port(6390)),
    )
    yield Process(
        "postgres",
        Layer.ENGINE,
        ports={"postgres": 5439},
        engine=lambda p: postgres.command(
            port=p.port(5439), data_dir=p.data.postgres, who=postgres.identity(p.data.postgres)
        ),
        prepare=lambda p: postgres.initialise(p.data.postgres, who=postgres.identity(p.data.postgres)),
        ready=lambda p: probes.postgres(p.port(5439), user=postgres.USER, database=postgres.DATABASE),
        stop_signal=signal.SIGINT,  # its fast shutdown; on SIGTERM it would wait for every client to leave
    )
    yield Process(
        "temporal",
        Layer.ENGINE,
        ports={"grpc": 7233, "ui": 8233},
        engine=lambda p: temporal.command(
            port=p.port(7233), ui_port=p.port(8233), database=p.data.temporal, search_attributes=attributes
        ),
        ready=lambda p: probes.temporal(
            p.port(8233), namespace=temporal.NAMESPACE, search_attributes=frozenset(attributes)
        ),
    )


def _of_the_project(project: Project, process: Declared) -> Process:
    services = [service for service in project.services.values() if service.process == process.name]
    probe_paths = {service.name: (service.address.port, service.ready) for service in services}
    words = shlex.split(process.run)
    return Process(
        process.name,
        Layer.SERVICE,
        ports={name: port for name, (port, _) in probe_paths.items()},
        program=tuple(words),
        environment=lambda p: environment.of_a_process_of_the_project(p, project, process),
        needs=process.needs,
        ready=(
            (lambda p: probes.all_of({name: probes.http(p.port(at), path) for name, (at, path) in probe_paths.items()}))
            if services
            else None
        ),
        folder=project.root,
        sources=tuple(project.root / word for word in words if (project.root / word).is_dir()),
    )


def _strangler(project: Project) -> Iterator[Process]:
    for name, port in (("control", 8010), ("agent", 8012), ("compare", 8011)):
        yield _ours(project, name, Layer.SERVICE, ("gateway", name), ports={name: port}, needs=("valkey",))
    yield Process(
        "envoy",
        Layer.DATA_PLANE,
        ports={"edge": EDGE_PORT, "internal": 8081},
        engine=lambda p: envoy.command(bootstrap=p.data.envoy / "bootstrap.yaml"),
        needs=("agent",),
        ready=lambda p: probes.http_on_socket(p.data.sockets / "envoy.sock", "/ready"),
    )


def _client(project: Project, client: Client) -> Process:
    return _ours(
        project,
        client.name,
        Layer.CLIENT,
        ("serve", client.name),
        ports={client.name: client.port},
        needs=("valkey",),
        packages=_packages(project),
        variables={"BFF_PORT": client.port},
    )


def _workers(project: Project) -> Iterator[Process]:
    needs = ("valkey", "temporal")
    if project.worker is not None:
        packages = _packages(project)
        yield _ours(
            project, "worker", Layer.CLIENT, ("worker",), ports={"metrics": 8021}, needs=needs, packages=packages
        )
    yield _ours(project, "rollouts", Layer.CLIENT, ("gateway", "worker"), ports={"metrics": 8022}, needs=needs)


def _ours(
    project: Project,
    name: str,
    layer: Layer,
    words: Sequence[str],
    *,
    ports: Mapping[str, int],
    needs: tuple[str, ...],
    packages: Sequence[Path] = (),
    variables: Mapping[str, int] | None = None,
) -> Process:
    """A process of `matapalo` itself, ready when the first of its ports says so; ``variables`` are shifted ports.

    ``packages`` are the folders of the project's own code that it runs.
    """
    ready_port = next(iter(ports.values()))

    def own_environment(platform: Platform) -> dict[str, str]:
        shifted = {variable: str(platform.port(port)) for variable, port in (variables or {}).items()}
        return {**environment.of_our_process(platform, project), **shifted}

    return Process(
        name,
        layer,
        ports=ports,
        program=("matapalo", *words),
        environment=own_environment,
        needs=needs,
        ready=lambda p: probes.http(p.port(ready_port)),
        folder=project.root,
        sources=(Path(matapalo.__file__).parent, *packages),
    )


def _packages(project: Project) -> list[Path]:
    """The folders with the code that clients and the worker refer to."""
    references = [client.schema_ for client in project.clients.values()]
    references += project.worker.register_ if project.worker else []
    return sorted({project.root / reference.partition(":")[0].partition(".")[0] for reference in references})


def _program(word: str) -> str:
    if word == "python":
        return sys.executable
    script = Path(sysconfig.get_path("scripts")) / word
    if script.exists():
        return str(script)
    if program := shutil.which(word):
        return program
    raise CommandError(f"there is no program {word!r} in {script.parent} or on PATH: install it, or correct `run`")
