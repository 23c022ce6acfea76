"""Ports: offsets never make two of ours meet, and a taken port is named with its holder."""

import socket

import psutil
import pytest

from matapalo.launcher import ports
from matapalo.launcher.errors import BadInput, PortTaken
from matapalo.launcher.platform import Platform
from matapalo.launcher.processes import wanted_ports
from tests.harness.ports import free_port


@pytest.mark.parametrize("offset", [-100, 1, 50, 1000])
def test_other_offsets_are_refused_with_the_right_ones(offset: int) -> None:
    with pytest.raises(BadInput, match="a multiple of 100 from 100 to 900"):
        ports.check_offset(offset)


def test_no_two_platforms_share_a_port(local: Platform) -> None:
    platforms = [Platform(local.data, offset) for offset in ports.OFFSETS]
    all_ports = [port for platform in platforms for port in wanted_ports(platform)]
    assert len(all_ports) == len(set(all_ports))


def test_a_taken_port_is_named_with_what_wants_it_its_holder_and_the_remedy() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken, free = listener.getsockname()[1], free_port()
        with pytest.raises(PortTaken) as caught:
            ports.require_free({taken: "envoy, edge", free: "web"})
    said, me = str(caught.value), psutil.Process()
    assert f"port {taken} (for envoy, edge) in use by pid {me.pid}: {me.cmdline()[0]}" in said
    assert "--port-offset 100" in said
    assert str(free) not in said


def test_a_port_that_a_closed_connection_still_lingers_on_is_free() -> None:
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
