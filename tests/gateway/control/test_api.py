"""The control plane over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from gateway.auth.tokens import FileKeys, TokenVerifier
from gateway.clock import SystemClock
from gateway.control import problems
from gateway.control.api import admin_api
from gateway.routing.route import Audience, Side
from tests.gateway.builders import KEYS, a_document, a_route
from tests.gateway.fakes import FakeStore
from tests.support.tokens import ISSUER, bearer

OPERATOR = bearer("op_1", role="operator")
ROUTE = a_route(share_bp=2_500, writes=Side.LEGACY, audience=Audience.OWNER)


@dataclass
class Scene:
    store: FakeStore
    http: httpx.AsyncClient


@pytest_asyncio.fixture
async def scene() -> AsyncIterator[Scene]:
    store = FakeStore(a_document(7, ROUTE))
    app = FastAPI()
    problems.install(app)
    app.include_router(admin_api(store, TokenVerifier(FileKeys(KEYS.jwks), issuer=ISSUER, clock=SystemClock())))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://control") as http:
        yield Scene(store, http)


VIEW = {
    "name": "orders",
    "prefix": "/api/orders",
    "new": "orders",
    "legacy": "legacy",
    "share_bp": 2_500,
    "seed": 2,
    "writes": "legacy",
    "audience": "owner",
}


async def test_an_operator_sees_the_table_and_its_version(scene: Scene) -> None:
    response = await scene.http.get("/admin/routes", headers=OPERATOR)
    assert response.json() == {"version": 7, "routes": [VIEW]}
    assert response.headers["etag"] == '"7"'


async def test_an_operator_sees_one_route(scene: Scene) -> None:
    response = await scene.http.get("/admin/routes/orders", headers=OPERATOR)
    assert (response.status_code, response.json()) == (200, VIEW)


async def test_an_unknown_route_is_404_and_names_those_that_exist(scene: Scene) -> None:
    response = await scene.http.get("/admin/routes/odrers", headers=OPERATOR)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "there is no route 'odrers': the routes are orders",
    }


@pytest.mark.parametrize("path", ["/admin/routes", "/admin/routes/orders"])
async def test_nobody_but_an_operator_sees_anything(scene: Scene, path: str) -> None:
    nobody = await scene.http.get(path)
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    assert nobody.json()["type"] == "/problems/unauthenticated"
    for role in ("customer", "warehouse", "service"):
        response = await scene.http.get(path, headers=bearer(role=role))
        assert (response.status_code, response.json()["type"]) == (403, "/problems/forbidden")


async def test_without_redis_it_is_503(scene: Scene) -> None:
    scene.store.is_down = True
    response = await scene.http.get("/admin/routes", headers=OPERATOR)
    assert (response.status_code, response.json()["type"]) == (503, "/problems/service-unavailable")


async def test_an_empty_store_is_503_and_says_who_fills_it(scene: Scene) -> None:
    scene.store.document = None
    response = await scene.http.get("/admin/routes", headers=OPERATOR)
    assert response.status_code == 503
    assert "an agent brings them" in response.json()["detail"]


async def test_whatever_is_not_there_is_a_problem_too(scene: Scene) -> None:
    response = await scene.http.get("/console")
    assert response.json() == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at /console.",
    }
    response = await scene.http.delete("/admin/routes", headers=OPERATOR)
    assert (response.status_code, response.json()["type"]) == (405, "/problems/method-not-allowed")
