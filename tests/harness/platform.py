"""A running platform for stack tests: started by the command a user types, called at its public addresses.

One platform a testing process (the fixture `platform`); tests that stop or kill one start their own.
"""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from typer.testing import CliRunner

from matapalo.cli.main import app
from matapalo.launcher import keys
from matapalo.launcher.keys import Role, Tier
from tests.harness.environment import worker

ROOT = Path(__file__).parents[2]
MATAPALO = (sys.executable, "-m", "matapalo")
PORTS = (8080, 8081, 8001, 8002, 8010, 8011, 8012, 8021, 8022, 7233, 8233, 6390, 5439, *range(9000, 9008))
UP_S = 90
DOWN_S = 45
LIFETIME = timedelta(hours=1)


class JsonResponse(NamedTuple):
    """An HTTP response: its status, its headers and its JSON body."""

    status: int
    headers: httpx.Headers
    body: Any

    @property
    def data(self) -> Any:
        """``data`` of a GraphQL result without errors."""
        assert "errors" not in self.body, json.dumps(self.body["errors"], indent=2)
        return self.body["data"]

    @property
    def codes(self) -> list[str]:
        """The codes of a GraphQL result's errors."""
        return [error["extensions"]["code"] for error in self.body.get("errors", [])]


def free_offset() -> int:
    """A ``--port-offset`` whose ports are all free just now. Processes that test side by side begin apart."""
    for step in range(9):
        offset = 100 + (4 * worker() + step) % 9 * 100
        if all(_is_free(port + offset) for port in PORTS):
            return offset
    raise RuntimeError(
        "no port offset from 100 to 900 has all of its ports free: stop another platform (matapalo down)"
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Platform:
    """One platform: its data directory, its port offset, and the requests tests send it."""

    def __init__(self, data_dir: Path, offset: int) -> None:
        self.data_dir = data_dir
        self.offset = offset
        self.edge = self.url(8080)

    @property
    def said(self) -> Path:
        """Where the output of `spawn_up` goes."""
        return self.data_dir.parent / f"{self.data_dir.name}-up.log"

    def url(self, port: int) -> str:
        """The address of one of the documented ports."""
        return f"http://127.0.0.1:{port + self.offset}"

    def run(self, *arguments: str, timeout_s: float = 30) -> subprocess.CompletedProcess[str]:
        """``matapalo ARGUMENTS --data-dir …``, whatever its exit code."""
        return subprocess.run(
            [*MATAPALO, *arguments, "--data-dir", str(self.data_dir)],
            cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip

    def fault(self, *arguments: str) -> None:
        """``matapalo fault ARGUMENTS``, in this process: breaking every service in turn takes long enough."""
        done = CliRunner().invoke(app, ["fault", *arguments, "--data-dir", str(self.data_dir)])
        assert done.exit_code == 0, done.exception or done.output

    def up(self) -> None:
        """``matapalo up --detach``; returns when everything is ready."""
        done = self.run("up", "--detach", "--port-offset", str(self.offset), timeout_s=UP_S)
        assert done.returncode == 0, f"matapalo up failed:\n{done.stdout}\n{done.stderr}"

    def spawn_up(self, *arguments: str, command: Sequence[str] = MATAPALO) -> subprocess.Popen[bytes]:
        """``matapalo up`` in the foreground, as at a terminal."""
        with self.said.open("ab") as log:
            return subprocess.Popen(
                [*command, "up", "--data-dir", str(self.data_dir), "--port-offset", str(self.offset), *arguments],
                cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def down(self) -> None:
        """``matapalo down``; returns when nothing runs any more."""
        done = self.run("down", timeout_s=DOWN_S)
        assert done.returncode == 0, f"matapalo down failed:\n{done.stdout}\n{done.stderr}"

    def printed_token(self, *arguments: str) -> str:
        """What ``matapalo token ARGUMENTS`` prints. A process start: the other tests sign in this process."""
        done = self.run("token", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def signed_in(self, subject: str, role: Role = Role.CUSTOMER) -> dict[str, str]:
        """The headers of a caller with a development token, of the tier whose requests are not limited."""
        signed = keys.token(
            self.data_dir / "keys", subject=subject, tier=Tier.ENTERPRISE, role=role, cohort=None, lifetime=LIFETIME
        )
        return {"authorization": f"Bearer {signed}"}

    def customer(self, customer: str = "cust_0001") -> dict[str, str]:
        """The headers of a signed-in customer."""
        return self.signed_in(customer)

    def staff(self, role: str, subject: str = "staff_0001") -> dict[str, str]:
        """The headers of a caller with another role."""
        return self.signed_in(subject, Role(role))

    def get(self, path: str, headers: dict[str, str] | None = None) -> JsonResponse:
        """GET a path of the edge."""
        return self._response(httpx.get(f"{self.edge}{path}", headers=headers, timeout=10, trust_env=False))

    def graphql(self, client: str, params: dict[str, Any], headers: dict[str, str] | None = None) -> JsonResponse:
        """POST to ``/web/graphql`` or ``/mobile/graphql`` through the edge."""
        sent = {"accept": "application/graphql-response+json"} | (headers or {})
        return self._response(
            httpx.post(f"{self.edge}/{client}/graphql", json=params, headers=sent, timeout=10, trust_env=False)
        )

    def operation(self, client: str, name: str) -> str:
        """The text of a committed operation."""
        return (ROOT / "schema/operations" / client / f"{name}.graphql").read_text()

    def persisted(self, name: str) -> dict[str, Any]:
        """The parameters that name a mobile operation by its hash alone."""
        manifest = json.loads((ROOT / "schema/operations/mobile.manifest.json").read_text())
        (hash_,) = [operation["id"] for operation in manifest["operations"] if operation["name"] == name]
        return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_}}}

    def rest_calls(self) -> dict[tuple[str, str, str], int]:
        """How many requests each (service, method, route) has had so far, by the services' own count."""
        counted: dict[tuple[str, str, str], int] = {}
        for port in range(9000, 9008):
            text = httpx.get(f"{self.url(port)}/metrics", timeout=10, trust_env=False).text
            for line in text.splitlines():
                if not line.startswith("http_requests_total{"):
                    continue
                labels, value = line.removeprefix("http_requests_total{").rsplit("} ", 1)
                label = dict(part.split("=", 1) for part in labels.replace('"', "").split(","))
                if label["route"].startswith("/api/"):
                    key = (label["service"], label["method"], label["route"])
                    counted[key] = counted.get(key, 0) + int(float(value))
        return counted

    @staticmethod
    def _response(response: httpx.Response) -> JsonResponse:
        is_json = "json" in response.headers.get("content-type", "")
        return JsonResponse(response.status_code, response.headers, response.json() if is_json else response.text)


def stop(process: subprocess.Popen[bytes], signal_: int = signal.SIGINT) -> int:
    """Send a signal, as Ctrl-C does, and wait for the end; the exit code."""
    process.send_signal(signal_)
    return process.wait(timeout=DOWN_S)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform that the tests of this session share: ready, and stopped at the end."""
    running = Platform(tmp_path_factory.mktemp("platform") / "data", free_offset())
    running.up()
    try:
        yield running
    finally:
        running.down()
