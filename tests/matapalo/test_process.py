"""The command as a process: it serves, logs JSON lines only, and leaves when it is told to."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.harness.eventually import eventually_sync
from tests.harness.ports import free_port
from tests.harness.tokens import bearer, jwks


def test_a_bff_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    keys, port = tmp_path / "jwks.json", free_port()
    keys.write_text(json.dumps(jwks()))
    environment = {
        "MATAPALO_ENV": "development",
        "BFF_JWKS_FILE": str(keys),
        "BFF_SECRETS": json.dumps(["0123456789abcdef0123456789abcdef"]),
        "BFF_GATEWAY_URL": "http://127.0.0.1:1",
    }
    matapalo = Path(sys.executable).parent / "matapalo"
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [matapalo, "serve", "web", "--port", str(port)], env=environment, stderr=log, stdout=log
        )
        try:
            url = f"http://127.0.0.1:{port}/graphql"
            with httpx.Client(trust_env=False) as client:
                eventually_sync(lambda: _is_up(client, url), deadline_s=30, message="the BFF answers")
                headers = bearer() | {"x-request-id": "request-of-the-test"}
                response = client.post(url, json={"query": "{ me { name } }"}, headers=headers)
            assert response.json()["errors"][0]["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
            process.send_signal(signal.SIGTERM)
            process.wait(15)
        finally:
            process.kill()
            process.wait()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    operations = [line for line in lines if line.get("request_id") == "request-of-the-test"]
    assert [(line["process"], line["message"], line["outcome"]) for line in operations] == [
        ("web", "operation", "UPSTREAM_UNAVAILABLE")
    ]


def _is_up(client: httpx.Client, url: str) -> bool:
    try:
        return client.post(url, json={"query": "{ __typename }"}).status_code == 200
    except httpx.TransportError:
        return False
