"""The layers around every service, without a database: one rendering of errors, metrics, health."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import orjson
import pytest
from fastapi import APIRouter
from sqlalchemy.exc import InterfaceError

from subgraphs.kit.app import create_app
from subgraphs.kit.database import Database
from subgraphs.kit.observability import JsonLines, trace_id_of
from subgraphs.kit.settings import Settings

NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:9/nothing"
router = APIRouter()


@router.get("/api/products/broken", operation_id="broken")
async def broken() -> None:
    raise ZeroDivisionError("a secret")


@router.get("/api/products/down", operation_id="down")
async def down() -> None:
    raise InterfaceError("select", None, Exception("gone"), connection_invalidated=True)


@router.post("/api/products/things", operation_id="makeThing")
async def make_thing(body: dict[str, int]) -> dict[str, int]:
    return body


@asynccontextmanager
async def a_service(environment: str = "production") -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings.model_validate({"environment": environment, "database_url": NOWHERE})
    database = Database(NOWHERE, head="0001")
    app = create_app("things", description="", router=router, settings=settings, database=database)
    transport = httpx.ASGITransport(app)
    headers = {"x-role": "operator"}
    async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as client:
        yield client
    await database.close()


async def test_a_bug_is_logged_and_says_nothing_about_itself(caplog: pytest.LogCaptureFixture) -> None:
    async with a_service() as client:
        response = await client.get("/api/products/broken")
    assert (response.status_code, response.json()["type"]) == (500, "/problems/internal")
    assert "secret" not in response.text
    assert "a secret" in caplog.text


async def test_a_database_that_is_gone_is_retryable() -> None:
    async with a_service() as client:
        response = await client.get("/api/products/down")
    assert (response.status_code, response.json()["type"]) == (503, "/problems/service-unavailable")
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "slug"),
    [
        ("GET", "/api/nothing", b"", 404, "not-found"),
        ("GET", "/", b"", 404, "not-found"),
        ("DELETE", "/api/products/things", b"", 405, "method-not-allowed"),
        ("POST", "/api/products/things", b"{", 422, "invalid-parameter"),
        ("POST", "/api/products/things", b"\xff", 422, "invalid-parameter"),
        ("POST", "/api/products/things", b'{"a":"b"}', 422, "invalid-parameter"),
        ("POST", "/api/products/things", b"", 422, "invalid-parameter"),
    ],
)
async def test_whatever_goes_wrong_is_a_problem(method: str, path: str, content: bytes, status: int, slug: str) -> None:
    async with a_service() as client:
        response = await client.request(method, path, content=content, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["type"]) == (status, f"/problems/{slug}")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"]


async def test_a_wrong_method_is_told_the_right_ones() -> None:
    async with a_service() as client:
        assert (await client.delete("/api/products/things")).headers["allow"] == "POST"


async def test_the_request_id_of_the_caller_is_kept() -> None:
    async with a_service() as client:
        response = await client.get("/api/nothing", headers={"x-request-id": "abc"})
    assert response.headers["x-request-id"] == "abc"


async def test_an_anonymous_caller_is_told_to_authenticate() -> None:
    async with a_service() as client:
        response = await client.get("/api/orders", headers={"x-role": ""})
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")


def test_the_trace_id_is_the_second_part_of_traceparent() -> None:
    assert trace_id_of(f"00-{'a' * 32}-{'b' * 16}-01") == "a" * 32
    assert trace_id_of(None) is trace_id_of("") is trace_id_of("nonsense") is trace_id_of("00-short-x-01") is None


async def test_requests_are_counted_by_route_not_by_path() -> None:
    async with a_service() as client:
        await client.get("/api/products/broken?x=1")
        await client.get("/api/nothing/1")
        await client.get("/api/nothing/2")
        await client.get("/healthz")
        metrics = (await client.get("/metrics")).text
    line = 'http_requests_total{method="GET",route="%s",service="things",status="%s"} %s'
    assert line % ("/api/products/broken", "500", "1.0") in metrics
    assert line % ("(none)", "404", "2.0") in metrics
    assert "healthz" not in metrics


async def test_a_service_lives_without_its_database_but_is_not_ready() -> None:
    async with a_service() as client:
        assert (await client.get("/healthz")).status_code == 200
        ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert "does not answer" in ready.json()["missing"]["database"]


async def test_production_has_no_fault_path() -> None:
    async with a_service("production") as client:
        assert (await client.put("/__fault", json={"drop": True})).status_code == 404
    async with a_service("development") as client:
        assert (await client.put("/__fault", json={"latency_ms": 0})).status_code == 200


def test_a_log_line_is_one_line_of_json() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "two\nlines", None, None)
    record.fields = {"status": 200}
    line = JsonLines().format(record)
    assert "\n" not in line
    members = orjson.loads(line)
    assert members.pop("time").endswith("Z")
    assert members == {"level": "info", "logger": "x", "message": "two\nlines", "status": 200}
