"""The platform under the contestants: started by the command a user types, on its own data directory and ports.

`ours` is the platform's own web and mobile BFF behind its own Envoy. Every other contestant (a module of
`benchmarks.contestants`) gets two processes, one a client, as ours has, and an Envoy of its own whose files are written
by the gateway's agent: the same configuration and the same table of routes, except that `bff-web` and `bff-mobile` are
the contestant. So every contestant is reached through an edge listener with authentication on, and reaches the services
through the internal listener of that same Envoy.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.child import free_port, listens, responds, running
from benchmarks.errors import BenchmarkError
from benchmarks.limited import tiers
from benchmarks.meter import MeasuredProcesses
from benchmarks.workloads import Client, Who
from matapalo.launcher import environment, keys, record
from matapalo.launcher.engines import envoy
from matapalo.launcher.platform import EDGE_PORT, DataDir, Platform
from matapalo.project.reader import load

ROOT = Path(__file__).parents[1]
OURS = "ours"
OTHERS = ("handwritten", "naive")
CLIENTS: tuple[Client, ...] = ("web", "mobile")
IDENTITIES: Mapping[Who, tuple[str, ...]] = {
    "customer": ("--customer", "cust_0001"),
    "operator": ("--customer", "staff_0001", "--role", "operator"),
}
UP_S = 120
DOWN_S = 60


@dataclass(frozen=True, slots=True)
class Contestant:
    """Where a contestant's edge listens, and which processes are measured while one of its clients is loaded."""

    name: str
    edge_port: int
    processes: Mapping[Client, MeasuredProcesses]


@contextmanager
def platform(folder: Path, offset: int) -> Iterator[Platform]:
    """The platform, from `matapalo up` to `matapalo down`, whatever happens in between."""
    base = Platform(DataDir(folder / "data"), offset)
    where = ("--data-dir", str(base.data.root))
    try:
        limits = folder / "tiers.toml"
        tiers.write(limits)
        _matapalo(
            "up", "--detach", *where, "--port-offset", str(offset), timeout_s=UP_S, env=_measured_settings(limits)
        )
        yield base
    finally:
        _matapalo("down", *where, timeout_s=DOWN_S)


def token(base: Platform, who: Who) -> str:
    """A development token for one of the two callers."""
    identity = ("--tier", "enterprise", *IDENTITIES[who])
    return _matapalo("token", *identity, "--data-dir", str(base.data.root), timeout_s=30).strip()


def ours(base: Platform) -> Contestant:
    """The BFFs as they are deployed."""
    serving = {client: _process(base, client) for client in CLIENTS}
    return Contestant(OURS, base.port(EDGE_PORT), _measured(base, serving, _process(base, "envoy")))


@contextmanager
def contestant(name: str, base: Platform, folder: Path) -> Iterator[Contestant]:
    """One of the others, behind an Envoy of its own."""
    mine = folder / name
    mine.mkdir()
    edge_port, internal_port = free_port(), free_port()
    ports: dict[Client, int] = {client: free_port() for client in CLIENTS}
    with ExitStack() as stack:
        serving = {
            client: stack.enter_context(
                running(
                    f"{name}-{client}",
                    [
                        *(sys.executable, "-m", f"benchmarks.contestants.{name}", client, str(port)),
                        *(f"http://127.0.0.1:{internal_port}", str(keys.jwks_file(base.data.keys))),
                        f"redis://{base.address(6390)}/0",
                    ],
                    folder=mine,
                    ready=listens(port),
                )
            )
            for client, port in ports.items()
        }
        edge = stack.enter_context(_edge(base, mine, edge_port, internal_port, ports))
        yield Contestant(name, edge_port, _measured(base, serving, edge))


def _measured(
    base: Platform, serving: Mapping[Client, psutil.Process], edge: psutil.Process
) -> dict[Client, MeasuredProcesses]:
    ports = tuple(base.port(service.address.port) for service in load().services.values())
    services = _process(base, "subgraphs")
    return {
        client: MeasuredProcesses(serving=process, envoy=edge, services=services, service_ports=ports)
        for client, process in serving.items()
    }


def _process(base: Platform, name: str) -> psutil.Process:
    """One of the platform's processes, as the launcher has written it down."""
    written = record.read(base.data.record)
    pids = [] if written is None else [process.pid for process in written.processes if process.name == name]
    if not pids or pids[0] is None:
        raise BenchmarkError(f"the platform says that it is up and has no process {name}: read {base.data.log(name)}")
    return psutil.Process(pids[0])


@contextmanager
def _edge(
    base: Platform, folder: Path, edge_port: int, internal_port: int, bff_ports: Mapping[Client, int]
) -> Iterator[psutil.Process]:
    """An Envoy configured as the platform's own, in front of other BFFs."""
    project = load()
    upstreams: dict[str, str] = json.loads(environment.of_our_process(base, project)["GATEWAY_UPSTREAMS"])
    upstreams |= {f"bff-{client}": f"127.0.0.1:{port}" for client, port in bff_ports.items()}
    agent_port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as sockets:  # a UNIX socket needs a short path
        env = environment.of_our_process(base, project) | {
            "GATEWAY_AGENT_PORT": str(agent_port),
            "GATEWAY_ENVOY_DIR": str(folder),
            "GATEWAY_ADMIN_SOCKET": f"{sockets}/envoy.sock",
            "GATEWAY_EDGE_PORT": str(edge_port),
            "GATEWAY_INTERNAL_PORT": str(internal_port),
            "GATEWAY_UPSTREAMS": json.dumps(upstreams),
            "GATEWAY_NODE_ID": f"bench-{folder.name}",
        }
        agent = [str(Path(sys.executable).with_name("matapalo")), "gateway", "agent"]
        proxy = envoy.command(bootstrap=folder / "bootstrap.yaml")
        is_written = responds(f"http://127.0.0.1:{agent_port}/readyz")
        with (
            running("agent", agent, folder=folder, ready=is_written, env=env),
            running("envoy", proxy, folder=folder, ready=listens(edge_port)) as process,
        ):
            yield process


def _measured_settings(limits: Path) -> dict[str, str]:
    """Limits that are checked on every request and refuse none; responses that are the same bytes each time."""
    return {
        "BFF_TIERS_FILE": str(limits),
        "BFF_ADDRESS_REQUESTS_PER_SECOND": "1000000",
        "BFF_COST_EXTENSION": "false",
    }


def _matapalo(*arguments: str, timeout_s: float, env: Mapping[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "matapalo", *arguments],
            cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False, start_new_session=True,
            env={**os.environ, **(env or {})},  # noqa: TID251 - the launcher hands what it inherits to its processes
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"matapalo {arguments[0]} is not done after {timeout_s:g} s") from None
    if done.returncode != 0:
        raise BenchmarkError(f"matapalo {arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
