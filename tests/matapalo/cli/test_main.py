"""The command line as a user types it: what it prints, where, and its exit code."""

import json
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import Any

import jwt
import pytest

from matapalo.cli import faults, limits
from matapalo.launcher import keys
from matapalo.launcher.platform import Platform
from matapalo.launcher.processes import table
from tests.harness.shop import SHOP, copy_of_the_shop
from tests.matapalo.cli.conftest import Command

NAMES = [row.name for row in table(SHOP)]


def test_the_module_is_the_command_too() -> None:
    done = subprocess.run([sys.executable, "-m", "matapalo", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"matapalo {version('matapalo')}\n"


def test_the_overview_names_every_command(matapalo: Command) -> None:
    overview = matapalo("--help").stdout
    for command in ("up", "down", "status", "logs", "token", "graphiql", "fault", "limits", "mail"):
        assert command in overview


def test_token_prints_a_token_and_nothing_else(matapalo: Command, local: Platform) -> None:
    arguments = ("--customer", "cust_0001", "--tier", "premium", "--role", "operator", "--cohort", "beta")
    done = matapalo("token", *arguments, "--hours", "24", data=local.data.root)
    assert (done.returncode, done.stderr) == (0, "")
    (published,) = jwt.PyJWKSet.from_json(keys.jwks_file(local.data.keys).read_text()).keys
    claims = jwt.decode(done.stdout.strip(), published, algorithms=["ES256"], audience="matapalo")
    assert (claims["sub"], claims["tier"], claims["role"]) == ("cust_0001", "premium", "operator")
    assert claims["exp"] - claims["iat"] == 24 * 3600


@pytest.mark.parametrize("hours", ["0", "24.5", "-1"])
def test_a_token_of_another_lifetime_is_refused(matapalo: Command, local: Platform, hours: str) -> None:
    done = matapalo("token", "--customer", "cust_0001", "--hours", hours, data=local.data.root)
    assert (done.returncode, done.stdout) == (2, "")
    assert "at most 24 hours" in done.stderr


def test_token_before_the_first_up_says_what_to_do(matapalo: Command, tmp_path: Path) -> None:
    done = matapalo("token", "--customer", "cust_0001", data=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "run `matapalo up` first" in done.stderr


def test_graphiql_prints_an_address_with_the_token_in_the_fragment_only(matapalo: Command, local: Platform) -> None:
    done = matapalo("graphiql", "--client", "mobile", "--print", data=local.data.root)
    address, _, fragment = done.stdout.strip().partition("#token=")
    assert address == "http://127.0.0.1:8080/mobile/graphql"
    assert jwt.decode(fragment, options={"verify_signature": False})["sub"] == "cust_0001"


def test_logs_of_an_unknown_process_names_the_known_ones(matapalo: Command, local: Platform) -> None:
    done = matapalo("logs", "nonsense", data=local.data.root)
    assert done.returncode == 2
    assert all(name in done.stderr for name in NAMES)


def test_logs_prints_the_last_lines(matapalo: Command, local: Platform) -> None:
    local.data.log("web").write_text("one\ntwo\nthree\n")
    assert matapalo("logs", "web", "-n", "2", data=local.data.root).stdout == "two\nthree\n"


def test_status_of_what_does_not_run_is_a_failure(matapalo: Command, tmp_path: Path) -> None:
    done = matapalo("status", "--json", data=tmp_path)
    assert done.returncode == 1
    assert {row["name"]: row["state"] for row in json.loads(done.stdout)} == dict.fromkeys(NAMES, "stopped")


def test_down_where_nothing_runs_is_a_success(matapalo: Command, tmp_path: Path) -> None:
    done = matapalo("down", data=tmp_path)
    assert done.returncode == 0
    assert "nothing runs" in done.stdout


def test_restart_where_nothing_runs_says_what_to_do(matapalo: Command, tmp_path: Path) -> None:
    result = matapalo("restart", "web", data=tmp_path)
    assert (result.returncode, "start it with `matapalo up`" in result.stderr) == (1, True)


def test_an_offset_between_the_hundreds_is_refused(matapalo: Command, tmp_path: Path) -> None:
    done = matapalo("up", "--port-offset", "50", data=tmp_path / "data")
    assert done.returncode == 2
    assert "a multiple of 100 from 100 to 900" in done.stderr
    assert not (tmp_path / "data").exists()


def test_mail_lists_what_was_sent_and_prints_one(matapalo: Command, local: Platform) -> None:
    assert "no mail" in matapalo("mail", data=local.data.root).stdout
    message = EmailMessage()
    message["To"], message["Subject"] = "ana@example.com", "Your order ord_1 is on its way"
    message.set_content("Hello Ana,\nit left today.\n")
    (local.data.outbox / "1.eml").write_bytes(bytes(message))
    assert "Your order ord_1" in matapalo("mail", data=local.data.root).stdout
    assert "it left today." in matapalo("mail", "1", data=local.data.root).stdout
    missing = matapalo("mail", "2", data=local.data.root)
    assert (missing.returncode, "no mail 2" in missing.stderr) == (2, True)


class Service(ThreadingHTTPServer):
    """A service port that remembers what its fault endpoint was told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Fault)
        self.asked: list[tuple[str, str, Any]] = []


class _Fault(BaseHTTPRequestHandler):
    server: Service

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.asked.append((self.command, self.path, json.loads(body) if body else None))
        self.send_response(204)
        self.end_headers()

    do_DELETE = do_PUT  # noqa: N815 - the names are http.server's

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


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
    assert orders.asked == [("PUT", "/__fault", {"prefix": "/api/orders", "share": 0.2, "status": 500})]


def test_a_fault_of_the_legacy_side_is_the_monoliths(orders: Service, tmp_path: Path) -> None:
    faults.set_("orders", side=faults.Side.LEGACY, drop=True, data_dir=tmp_path)
    faults.clear("orders", data_dir=tmp_path)
    assert orders.asked == [
        ("PUT", "/__fault", {"prefix": "/api/orders", "drop": True}),
        ("DELETE", "/__fault?prefix=%2Fapi%2Forders", None),
    ]


def test_a_fault_that_does_nothing_is_refused(matapalo: Command, local: Platform) -> None:
    done = matapalo("fault", "set", "orders", "--share", "0.5", data=local.data.root)
    assert (done.returncode, "--latency-ms" in done.stderr) == (2, True)


def test_a_fault_of_an_unknown_service_names_the_known_ones(matapalo: Command, local: Platform) -> None:
    done = matapalo("fault", "set", "nonsense", "--drop", data=local.data.root)
    assert (done.returncode, "recommendations" in done.stderr) == (2, True)


def test_limits_of_a_platform_that_does_not_run_says_what_to_do(
    matapalo: Command, local: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.create(local.data.keys)
    monkeypatch.setattr(limits, "BFF_PORT", 1)
    done = matapalo("limits", "show", "cust_0001", data=local.data.root)
    assert (done.returncode, "matapalo up" in done.stderr) == (1, True)


@pytest.mark.parametrize("given", [(), ("tiers.toml", "--default"), ("/nowhere/tiers.toml",)])
def test_the_tiers_come_from_one_place(matapalo: Command, local: Platform, given: tuple[str, ...]) -> None:
    assert matapalo("limits", "set", *given, data=local.data.root).returncode == 2
