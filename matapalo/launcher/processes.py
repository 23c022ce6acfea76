"""The processes of a platform, as one table: `up`, `status`, `logs` and the test of docker-compose.yml all read it.

The order of the table is the order to read it in; what may start when follows from ``needs``, and processes of a higher
``layer`` are stopped before those of a lower one.
"""

import signal
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from matapalo.launcher import environment, probes
from matapalo.launcher.engines import envoy, postgres, temporal, valkey
from matapalo.launcher.errors import LauncherError, UnknownName
from matapalo.launcher.platform import EDGE_PORT, Platform
from matapalo.launcher.probes import Probe


class Layer(IntEnum):
    """What uses what while running: a higher layer sends requests to the lower ones."""

    ENGINE = 0
    SERVICE = 1
    DATA_PLANE = 2
    CLIENT = 3


@dataclass(frozen=True)
class Process:
    """One row. ``program`` is the command line of our own processes, ``engine`` builds the one of an engine."""

    name: str
    layer: Layer
    ports: Mapping[str, int]
    program: tuple[str, ...] = ()
    engine: Callable[[Platform], list[str]] | None = None
    prepare: Callable[[Platform], None] | None = None
    ready: Callable[[Platform], Probe] | None = None
    needs: tuple[str, ...] = ()
    settings: Mapping[str, int] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def package(self) -> str | None:
        """Whose source files it runs: what `--reload` watches; None for an engine."""
        if self.engine:
            return None
        return "subgraphs" if "subgraphs" in self.program else "matapalo"

    @property
    def one_shot(self) -> bool:
        """Whether it ends by itself and must end well."""
        return self.ready is None

    def command(self, platform: Platform) -> list[str]:
        """The whole command line, with absolute programs."""
        return self.engine(platform) if self.engine else [_program(self.program[0]), *self.program[1:]]

    def environment(self, platform: Platform) -> dict[str, str]:
        """All its variables; ``settings`` are ports, shifted like every other."""
        if self.engine:
            return environment.of_an_engine(platform)
        own = {name: str(platform.port(port)) for name, port in self.settings.items()}
        return {**environment.of_our_process(platform), **own}


def _program(word: str) -> str:
    if word == "python":
        return sys.executable
    script = Path(sysconfig.get_path("scripts")) / word
    if not script.exists():
        raise LauncherError(f"{script} is not there: install the project into this environment (pip install -e .)")
    return str(script)


def _postgres_command(platform: Platform) -> list[str]:
    data = platform.data.postgres
    return postgres.command(port=platform.port(5439), data_dir=data, who=postgres.identity(data))


def _postgres_prepare(platform: Platform) -> None:
    postgres.initialise(platform.data.postgres, who=postgres.identity(platform.data.postgres))


def _answers(port: int) -> Callable[[Platform], Probe]:
    return lambda platform: probes.http(platform.port(port))


PROCESSES: tuple[Process, ...] = (
    Process(
        "valkey",
        Layer.ENGINE,
        ports={"redis": 6390},
        engine=lambda p: valkey.command(port=p.port(6390), data_dir=p.data.valkey),
        ready=lambda p: probes.valkey(p.port(6390)),
    ),
    Process(
        "postgres",
        Layer.ENGINE,
        ports={"postgres": 5439},
        engine=_postgres_command,
        prepare=_postgres_prepare,
        ready=lambda p: probes.postgres(p.port(5439), user=postgres.USER, database=postgres.DATABASE),
        stop_signal=signal.SIGINT,  # its fast shutdown; on SIGTERM it would wait for every client to leave
    ),
    Process(
        "temporal",
        Layer.ENGINE,
        ports={"grpc": 7233, "ui": 8233},
        engine=lambda p: temporal.command(port=p.port(7233), ui_port=p.port(8233), database=p.data.temporal),
        ready=lambda p: probes.temporal(
            p.port(8233), namespace=temporal.NAMESPACE, search_attributes=frozenset(temporal.SEARCH_ATTRIBUTES)
        ),
    ),
    Process(
        "migrate",
        Layer.SERVICE,
        ports={},
        program=("python", "-m", "subgraphs", "migrate"),
        needs=("postgres",),
    ),
    Process(
        "subgraphs",
        Layer.SERVICE,
        ports=environment.SERVICE_PORTS,
        program=("python", "-m", "subgraphs", "all"),
        needs=("migrate",),
        ready=lambda p: probes.all_of(
            {name: probes.http(p.port(port)) for name, port in environment.SERVICE_PORTS.items()}
        ),
    ),
    Process(
        "control",
        Layer.SERVICE,
        ports={"control": 8010},
        program=("matapalo", "gateway", "control"),
        needs=("valkey",),
        ready=_answers(8010),
    ),
    Process(
        "agent",
        Layer.SERVICE,
        ports={"agent": 8012},
        program=("matapalo", "gateway", "agent"),
        needs=("valkey",),
        ready=_answers(8012),
    ),
    Process(
        "compare",
        Layer.SERVICE,
        ports={"compare": 8011},
        program=("matapalo", "gateway", "compare"),
        needs=("valkey",),
        ready=_answers(8011),
    ),
    Process(
        "envoy",
        Layer.DATA_PLANE,
        ports={"edge": EDGE_PORT, "internal": 8081},
        engine=lambda p: envoy.command(bootstrap=p.data.envoy / "bootstrap.yaml"),
        needs=("agent",),
        ready=lambda p: probes.http_on_socket(p.data.sockets / "envoy.sock", "/ready"),
    ),
    Process(
        "web",
        Layer.CLIENT,
        ports={"web": 8001},
        program=("matapalo", "serve", "web"),
        settings={"BFF_PORT": 8001},
        needs=("valkey",),
        ready=_answers(8001),
    ),
    Process(
        "mobile",
        Layer.CLIENT,
        ports={"mobile": 8002},
        program=("matapalo", "serve", "mobile"),
        settings={"BFF_PORT": 8002},
        needs=("valkey",),
        ready=_answers(8002),
    ),
    Process(
        "worker",
        Layer.CLIENT,
        ports={"metrics": 8021},
        program=("matapalo", "worker"),
        needs=("valkey", "temporal"),
        ready=_answers(8021),
    ),
    Process(
        "rollouts",
        Layer.CLIENT,
        ports={"metrics": 8022},
        program=("matapalo", "gateway", "worker"),
        needs=("valkey", "temporal"),
        ready=_answers(8022),
    ),
)

NAMES: tuple[str, ...] = tuple(process.name for process in PROCESSES)


def named(name: str) -> Process:
    """The row of this name; an unknown name is answered with the known ones."""
    for process in PROCESSES:
        if process.name == name:
            return process
    raise UnknownName(f"there is no process {name!r}: choose one of {', '.join(NAMES)}")


def port_users(platform: Platform, rows: Sequence[Process] = PROCESSES) -> dict[int, str]:
    """Every port the platform listens on, with the process (and its use) that needs it."""
    return {
        platform.port(port): process.name if use == process.name else f"{process.name}, {use}"
        for process in rows
        for use, port in process.ports.items()
    }
