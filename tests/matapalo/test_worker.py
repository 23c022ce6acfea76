"""The worker as a process: it waits for Temporal, says how it is, works, and stops when told to."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bff.commerce.mail import Outbox, Smtp
from bff.commerce.worker import create_mail
from matapalo.launcher.engines import temporal
from matapalo.settings import Settings
from tests.harness.engines import running
from tests.harness.eventually import eventually_sync
from tests.harness.ports import free_port

SECRET = "a secret of at least 32 characters"


def settings(**changes: object) -> Settings:
    return Settings.model_validate(
        {"environment": "development", "jwks_file": "jwks.json", "secrets": (SECRET,), "jwt_issuer": "us", **changes}
    )


def test_development_writes_letters_and_production_sends_them(tmp_path: Path):
    assert isinstance(create_mail(settings(outbox_dir=tmp_path)), Outbox)
    assert isinstance(create_mail(settings(environment="production", smtp_url="smtp://mail:587")), Smtp)


@pytest.mark.parametrize("environment", ["development", "production"])
def test_without_a_way_to_send_letters_it_does_not_start(environment: str):
    outbox = {"outbox_dir": "outbox"} if environment == "production" else {}
    with pytest.raises(ValueError, match="BFF_SMTP_URL"):
        create_mail(settings(environment=environment, **outbox))


@contextmanager
def worker(environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "matapalo", "worker"],
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def status(url: str) -> int:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code
    except httpx.TransportError:
        return 0


@pytest.mark.stack
def test_it_waits_for_temporal_works_and_leaves_when_told_to(tmp_path: Path, valkey_url: str):
    port, temporal_port, log = free_port(), free_port(), tmp_path / "worker.log"
    base = f"http://127.0.0.1:{port}"
    environment = {
        "MATAPALO_ENV": "development",
        "BFF_METRICS_PORT": str(port),
        "BFF_TEMPORAL_ADDRESS": f"127.0.0.1:{temporal_port}",
        "BFF_REDIS_URL": valkey_url,
        "BFF_JWKS_FILE": str(tmp_path / "jwks.json"),
        "BFF_SECRETS": json.dumps([SECRET]),
        "BFF_OUTBOX_DIR": str(tmp_path / "outbox"),
    }
    with worker(environment, log) as process:
        eventually_sync(lambda: status(f"{base}/healthz") == 200, deadline_s=20, message="the process lives")
        response = httpx.get(f"{base}/readyz", trust_env=False)
        assert (response.status_code, response.json()) == (
            503,
            {"ready": False, "missing": {"temporal": "not connected"}},
        )

        line = temporal.command(port=temporal_port, ui_port=None, database=None, durable=False)
        with running(line, log=tmp_path / "temporal.log"):
            eventually_sync(lambda: status(f"{base}/readyz") == 200, deadline_s=30, message="the worker polls")
            eventually_sync(
                lambda: "temporal_num_pollers" in httpx.get(f"{base}/metrics", trust_env=False).text,
                deadline_s=20,
                message="Temporal's metrics are exposed",
            )
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0, log.read_text()[-2000:]
