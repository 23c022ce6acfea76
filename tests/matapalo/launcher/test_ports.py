"""Ports: offsets never make two of ours meet, and a taken port is named with its holder."""

import socket

import psutil
import pytest

from matapalo.launcher import ports
from matapalo.launcher.errors import PortTaken
from matapalo.launcher.platform import OFFSETS, Platform
from matapalo.launcher.processes import port_users, table
from tests.harness.ports import free_port
from tests.harness.shop import SHOP


def test_no_two_platforms_share_a_port(local: Platform) -> None:
    platforms = [Platform(local.data, offset) for offset in OFFSETS]
    all_ports = [port for platform in platforms for port in port_users(platform, table(SHOP))]
    assert len(all_ports) == len(set(all_ports))


def test_a_taken_port_is_named_with_its_holder_and_the_remedy() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken, free = listener.getsockname()[1], free_port()
        with pytest.raises(PortTaken) as caught:
            ports.require_free({taken: "envoy, edge", free: "web"})
    message, me = str(caught.value), psutil.Process()
    assert f"port {taken} (for envoy, edge) in use by pid {me.pid}: {me.cmdline()[0]}" in message
    assert "--port-offset 100" in message
    assert str(free) not in message


def test_a_port_with_a_connection_in_time_wait_is_free() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = listener.accept()
        accepted.close()  # the side that closes first lingers in TIME_WAIT
        client.close()
    assert ports.is_free(port)
