"""The BFFs as they are wired: who may explore, who may send free text, how they say how they are."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from matapalo.app import Bff, create_app
from matapalo.operations.manifest import read
from matapalo.settings import Settings
from tests.harness.asgi import post, request
from tests.harness.shop import SHOP
from tests.harness.tokens import bearer, jwks

NEWER = "application/graphql-response+json"
INTROSPECTION = {"query": "{ __schema { queryType { name } } }"}


def services(request: httpx.Request) -> httpx.Response:
    """The gateway, as far as these tests ask it."""
    if request.url.path == "/healthz":
        return httpx.Response(200)
    return httpx.Response(503)


def settings(tmp_path: Path, environment: str, **changed: Any) -> Settings:
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(jwks()))
    issuer = "matapalo-dev" if environment == "development" else "https://issuer.example"
    defaults: dict[str, Any] = {
        "environment": environment,
        "jwks_file": keys,
        "jwt_issuer": issuer,
        "secrets": ("s" * 32,),
        "redis_url": "redis://127.0.0.1:1/0",
        "temporal_address": "127.0.0.1:1",
    }
    return Settings(**(defaults | changed))


@asynccontextmanager
async def running(tmp_path: Path, client: str, environment: str = "development", **changed: Any) -> AsyncIterator[Bff]:
    transport = httpx.MockTransport(changed.pop("services", services))
    app = create_app(settings(tmp_path, environment, **changed), SHOP, SHOP.clients[client], transport=transport)
    async with app.router.lifespan_context(app):
        yield app


def mobile_home() -> tuple[str, str]:
    """The hash and the text of a persisted operation of the mobile client."""
    entries = read(SHOP.clients["mobile"].manifest)
    home = next(entry for entry in entries if entry.name == "Home")
    return home.id, home.body


@pytest.mark.parametrize("client", ["web", "mobile"])
async def test_a_bff_answers(tmp_path: Path, client: str) -> None:
    async with running(tmp_path, client) as app:
        response = await post(app, {"query": "{ __typename }"}, accept=NEWER, **bearer())
        assert (response.status, response.json()["data"]) == (200, {"__typename": "Query"})


@pytest.mark.parametrize(
    ("client", "environment", "allowed"),
    [
        ("web", "development", True),
        ("web", "production", True),
        ("mobile", "development", True),
        ("mobile", "production", False),
    ],
)
async def test_exploring_is_for_the_web_and_for_development(
    tmp_path: Path, client: str, environment: str, allowed: bool
) -> None:
    async with running(tmp_path, client, environment) as app:
        free_text = await post(app, {"query": "{ __typename }"}, accept=NEWER)
        introspection = await post(app, INTROSPECTION, accept=NEWER)
        page = await request(app, "GET", headers={"accept": "text/html"})
        assert (free_text.status, introspection.status, page.status) == (
            (200, 200, 200) if allowed else (403, 403, 406)
        )
        if not allowed:
            assert free_text.code() == "OPERATION_NOT_ALLOWED"


@pytest.mark.parametrize("environment", ["development", "production"])
async def test_the_mobile_home_is_found_by_its_hash(tmp_path: Path, environment: str) -> None:
    digest, _ = mobile_home()
    async with running(tmp_path, "mobile", environment) as app:
        payload = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
        by_post = await post(app, payload, accept=NEWER)
        by_get = await request(app, "GET", query_string=f"documentId=sha256:{digest}", headers={"accept": NEWER})
        for response in (by_post, by_get):
            assert response.status == 200
            assert "data" in response.json()


async def test_the_page_loads_its_files_from_below_the_endpoint(tmp_path: Path) -> None:
    async with running(tmp_path, "web") as app:
        page = await request(app, "GET", headers={"accept": "text/html"})
        assert b"graphql/graphiql/graphiql.js" in page.body
        assert page.headers["x-request-id"]
        script = await request(app, "GET", path="/graphql/graphiql/graphiql.js", headers={"accept": "*/*"})
        assert (script.status, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
        etag = script.headers["etag"]
        again = await request(app, "GET", path="/graphql/graphiql/graphiql.js", headers={"if-none-match": etag})
        assert (again.status, again.body) == (304, b"")
        missing = await request(app, "GET", path="/graphql/graphiql/../../settings.py")
        assert missing.status == 404


async def test_a_token_of_another_issuer_is_unauthenticated(tmp_path: Path) -> None:
    async with running(tmp_path, "web", "production") as app:
        response = await post(app, {"query": "{ __typename }"}, accept=NEWER, **bearer())
        assert (response.status, response.code()) == (401, "UNAUTHENTICATED")


async def test_without_redis_and_temporal_it_is_ready_and_degraded(tmp_path: Path) -> None:
    async with running(tmp_path, "web") as app:
        alive = await request(app, "GET", path="/healthz")
        ready = await request(app, "GET", path="/readyz")
    assert alive.status == 200
    assert ready.status == 200
    report = ready.json()
    assert report["ready"] is True
    assert sorted(report["degraded"]) == ["redis", "temporal"]
    assert report["missing"] == {}


@pytest.mark.parametrize("status", [500, None])
async def test_without_the_gateway_it_is_not_ready(tmp_path: Path, status: int | None) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        if status is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(status)

    async with running(tmp_path, "web", services=broken) as app:
        ready = await request(app, "GET", path="/readyz")
    assert ready.status == 503
    assert list(ready.json()["missing"]) == ["gateway"]


async def test_without_keys_it_is_not_ready(tmp_path: Path) -> None:
    async with running(tmp_path, "web", jwks_file=tmp_path / "missing.json") as app:
        ready = await request(app, "GET", path="/readyz")
    assert list(ready.json()["missing"]) == ["token keys"]


async def test_what_is_counted_has_bounded_names(tmp_path: Path) -> None:
    digest, _ = mobile_home()
    token = bearer()
    async with running(tmp_path, "mobile") as app:
        for payload in (
            {"query": "query Made_up { __typename }"},
            {"query": "{ __typename }"},
            {"query": "{"},
            {"documentId": f"sha256:{digest}"},
        ):
            await post(app, payload, **token)
        page = (await request(app, "GET", path="/metrics")).body.decode()
    line = 'graphql_operations_total{client="mobile",kind="%s",operation="%s",outcome="%s",transport="http"} 1.0'
    assert line % ("query", "other", "ok") in page
    assert line % ("query", "anonymous", "ok") in page
    assert line % ("none", "anonymous", "GRAPHQL_PARSE_FAILED") in page
    assert 'operation="Home"' in page
    assert "Made_up" not in page
    assert 'token_lookups_total{cached="yes"}' in page
    assert "rest_calls_total" in page


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/graphqlx", "/graphql/", "/graphql/x", "/graphiql/graphiql.js"]
)
async def test_nothing_else_is_served(tmp_path: Path, path: str) -> None:
    async with running(tmp_path, "web") as app:
        assert (await request(app, "GET", path=path)).status == 404


async def test_the_pages_files_are_read_only_and_come_with_it_only(tmp_path: Path) -> None:
    async with running(tmp_path, "web") as app:
        assert (await request(app, "POST", path="/graphql/graphiql/graphiql.js")).status == 404
    async with running(tmp_path, "mobile", "production") as app:
        assert (await request(app, "GET", path="/graphql/graphiql/graphiql.js")).status == 404


@pytest.mark.parametrize(("written", "seconds"), [("2", 2), ("1.5", 1.5), ("PT3S", 3), (4, 4)])
def test_durations_are_seconds(tmp_path: Path, written: str | int, seconds: float) -> None:
    assert settings(tmp_path, "production", idempotency_lease=written).idempotency_lease.total_seconds() == seconds


def test_a_lease_that_no_heartbeat_can_keep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"BFF_IDEMPOTENCY_LEASE is .*: use at least one second"):
        settings(tmp_path, "production", idempotency_lease="0.5")
