"""Which process holds a port that we need. Loopback only. Raises PortTaken."""

import errno
import shlex
import socket
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import psutil

from matapalo.launcher.errors import PortTaken
from matapalo.launcher.platform import HOST

COMMAND_LENGTH = 160


class Holder(NamedTuple):
    """The process that listens on a port."""

    pid: int
    command: str


def require_free(users: Mapping[int, str]) -> None:
    """Refuse when any of the ports is in use; ``users`` says what of ours needs each."""
    taken = [port for port in users if not is_free(port)]
    if not taken:
        return
    by_holder: dict[Holder | None, list[str]] = {}
    for port in taken:
        by_holder.setdefault(holder(port), []).append(f"{port} (for {users[port]})")
    lines = [
        f"port{'s' if len(held) > 1 else ''} {', '.join(held)} in use by "
        + (f"pid {process.pid}: {process.command}" if process else "a process of another user")
        for process, held in by_holder.items()
    ]
    raise PortTaken("\n".join([*lines, "Stop what holds it, or start beside it: matapalo up --port-offset 100"]))


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def holder(port: int) -> Holder | None:
    """The process that listens on the port; None when it is another user's and the system does not tell us."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return None
    for connection in connections:
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if listens and connection.pid is not None:
            try:
                return Holder(connection.pid, _shortened(psutil.Process(connection.pid).cmdline()))
            except psutil.Error:
                return Holder(connection.pid, "its command is not ours to see")
    return None


def _shortened(command: Sequence[str]) -> str:
    words = shlex.join(word for word in command if word)  # a server that sets its title leaves empty words behind
    return words if len(words) <= COMMAND_LENGTH else f"{words[: COMMAND_LENGTH - 1]}…"
