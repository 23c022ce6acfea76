"""Ports: how an offset shifts them, and who holds one that we need. Loopback only.

Raises BadInput (an offset that is not 0 or 100, 200, … 900), PortTaken.
"""

import errno
import shlex
import socket
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import psutil

from matapalo.launcher.errors import BadInput, PortTaken

HOST = "127.0.0.1"
OFFSETS = range(0, 1000, 100)
COMMAND_LENGTH = 160


class Holder(NamedTuple):
    """The process that listens on a port."""

    pid: int
    command: str


def check_offset(offset: int) -> int:
    """The offset itself when it is one of those that never make two of our own ports meet."""
    if offset not in OFFSETS:
        raise BadInput(f"--port-offset {offset}: it must be a multiple of 100 from 100 to 900 (0 is the default)")
    return offset


def require_free(wanted: Mapping[int, str]) -> None:
    """Refuses when any of the ports is in use; ``wanted`` says what of ours needs each."""
    taken = [port for port in wanted if not is_free(port)]
    if not taken:
        return
    by_holder: dict[Holder | None, list[str]] = {}
    for port in taken:
        by_holder.setdefault(holder(port), []).append(f"{port} (for {wanted[port]})")
    lines = [
        f"port{'s' if len(held) > 1 else ''} {', '.join(held)} in use by {_describe(who)}"
        for who, held in by_holder.items()
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
    """Who listens on the port; None when the operating system does not tell us (another user's process)."""
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


def _describe(found: Holder | None) -> str:
    return f"pid {found.pid}: {found.command}" if found else "a process of another user"
