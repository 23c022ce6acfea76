"""`matapalo fault`: where a fault is put, and wrong input."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from matapalo.cli import faults
from matapalo.cli.options import Side
from matapalo.launcher.platform import Platform
from tests.harness.shop import copy_of_the_shop
from tests.matapalo.cli.conftest import Command


class Service(ThreadingHTTPServer):
    """A service port that records the requests to its fault endpoint."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Fault)
        self.requests: list[tuple[str, str, Any]] = []


class _Fault(BaseHTTPRequestHandler):
    server: Service

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.requests.append((self.command, self.path, json.loads(body) if body else None))
        self.send_response(204)
        self.end_headers()

    do_DELETE = do_PUT  # noqa: N815 - the names are http.server's

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Service]:
    """The orders service and, for the legacy side, the monolith, at one fake port."""
    with Service() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        changes = {"http://127.0.0.1:9002": f"http://127.0.0.1:{port}", 'monolith = "legacy"': 'monolith = "orders"'}
        monkeypatch.setenv("MATAPALO_PROJECT", str(copy_of_the_shop(tmp_path, **changes)))
        yield server
        server.shutdown()


def test_a_fault_is_put_on_the_services_own_port_and_cleared(orders: Service, tmp_path: Path) -> None:
    faults.set_("orders", share=0.2, status=500, data_dir=tmp_path)
    assert orders.requests == [("PUT", "/__fault", {"prefix": "/api/orders", "share": 0.2, "status": 500})]


def test_a_fault_of_the_legacy_side_is_the_monoliths(orders: Service, tmp_path: Path) -> None:
    faults.set_("orders", side=Side.LEGACY, drop=True, data_dir=tmp_path)
    faults.clear("orders", data_dir=tmp_path)
    assert orders.requests == [
        ("PUT", "/__fault", {"prefix": "/api/orders", "drop": True}),
        ("DELETE", "/__fault?prefix=%2Fapi%2Forders", None),
    ]


def test_a_fault_that_does_nothing_is_refused(matapalo: Command, local: Platform) -> None:
    result = matapalo("fault", "set", "orders", "--share", "0.5", data=local.data.root)
    assert (result.returncode, "--latency-ms" in result.stderr) == (2, True)


def test_a_fault_of_an_unknown_service_lists_the_services(matapalo: Command, local: Platform) -> None:
    result = matapalo("fault", "set", "nonsense", "--drop", data=local.data.root)
    assert (result.returncode, "recommendations" in result.stderr) == (2, True)
