"""A server as a process: it serves, logs JSON lines only, says how it is, and leaves when it is told to."""

import asyncio
import gc
import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry, Counter
from starlette.applications import Starlette
from starlette.responses import Response

from matapalo.process.readiness import readiness
from matapalo.process.server import create_server, listening, repeating, run, status_routes
from tests.harness.eventually import eventually, eventually_sync
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
            assert process.wait(15) == 0
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


async def test_a_process_says_how_it_is_beside_its_work() -> None:
    registry, missing, port = CollectorRegistry(), {"temporal": "not connected"}, free_port()
    Counter("jobs", "What was done.", registry=registry)

    async def ready() -> Response:
        return readiness(missing)

    app = Starlette(routes=status_routes(ready, registry))
    async with listening(app, host="127.0.0.1", port=port), httpx.AsyncClient(trust_env=False) as client:
        url = f"http://127.0.0.1:{port}"
        await eventually(lambda: _responds(client, f"{url}/healthz"), message="the status pages are there")
        response = await client.get(f"{url}/readyz")
        assert (response.status_code, response.json()) == (503, {"ready": False, "missing": missing})
        missing.clear()
        assert (await client.get(f"{url}/readyz")).json() == {"ready": True, "missing": {}}
        assert "jobs_total 0.0" in (await client.get(f"{url}/metrics")).text


async def test_an_action_is_repeated_until_the_work_ends() -> None:
    ticks: list[int] = []
    async with repeating(lambda: ticks.append(1), every_s=0.001):
        await eventually(lambda: len(ticks) > 2, message="the action is repeated")
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def _responds(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False


async def test_what_was_loaded_once_is_hidden_from_the_collector() -> None:
    server = create_server(Starlette(), host="127.0.0.1", port=free_port())
    serving = asyncio.create_task(run(server))
    try:
        await eventually(lambda: server.started, message="the server listens")
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
        server.should_exit = True
        await serving
