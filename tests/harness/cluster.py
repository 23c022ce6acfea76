"""A Valkey Cluster of six nodes (three primaries, a replica each) as a fixture: started when first needed.

Put together with the commands that `valkey-cli --cluster create` uses, without its pauses: ready in about two seconds.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
import redis

from matapalo.launcher.engines import valkey
from tests.harness.engines import running
from tests.harness.eventually import eventually_sync
from tests.harness.ports import free_port

SLOTS = 16384
PRIMARIES = 3
HIGHEST_PORT = 55_535  # the bus of a node listens 10 000 above it


def node_command(port: int, folder: Path) -> list[str]:
    """One node; nothing is kept."""
    return [
        *valkey.command(port=port, data_dir=folder),
        *("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "2000"),
        *("--appendonly", "no"),
    ]


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    """`redis://127.0.0.1:PORT` of one of the six."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cluster-")))
        ports = [_port() for _ in range(2 * PRIMARIES)]
        for port in ports:
            folder = root / str(port)
            folder.mkdir()
            stack.enter_context(running(node_command(port, folder), log=folder / "log"))
        nodes = [redis.Redis(port=port) for port in ports]
        for node in nodes:
            stack.callback(node.close)
            eventually_sync(partial(_responds, node), message="a node of the cluster starts")
        _join(nodes, ports)
        yield f"redis://127.0.0.1:{ports[0]}"


def _join(nodes: list[redis.Redis], ports: list[int]) -> None:
    for number, node in enumerate(nodes):
        node.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        if number < PRIMARIES:
            first, last = number * SLOTS // PRIMARIES, (number + 1) * SLOTS // PRIMARIES - 1
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
    for port in ports[1:]:
        nodes[0].execute_command("CLUSTER", "MEET", "127.0.0.1", port)
    ids = [node.execute_command("CLUSTER", "MYID").decode() for node in nodes]
    for number, node in enumerate(nodes[PRIMARIES:]):
        eventually_sync(partial(_knows_all, node), message="the nodes know each other")
        node.execute_command("CLUSTER", "REPLICATE", ids[number])
    for node in nodes:
        eventually_sync(partial(_is_whole, node), message="the cluster covers all slots")


def _port() -> int:
    while (port := free_port()) > HIGHEST_PORT:
        pass
    return port


def _responds(node: redis.Redis) -> bool:
    try:
        return bool(node.ping())
    except redis.RedisError:
        return False


def _knows_all(node: redis.Redis) -> bool:
    return int(_info(node)["cluster_known_nodes"]) == 2 * PRIMARIES


def _is_whole(node: redis.Redis) -> bool:
    return _knows_all(node) and _info(node)["cluster_state"] == "ok"


def _info(node: redis.Redis) -> dict[str, str]:
    info = node.execute_command("CLUSTER", "INFO")
    if isinstance(info, dict):
        return {str(key): str(value) for key, value in info.items()}
    return dict(line.split(":", 1) for line in info.decode().split())
