"""Errors as problems."""

from tests.matapalo.strangler.api.harness import Client


async def test_an_unknown_route_is_404_and_names_those_that_exist(client: Client) -> None:
    response = await client.send("GET", "/routes/odrers")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "there is no route 'odrers': the routes are orders, customers",
    }


async def test_without_redis_reads_and_writes_are_503_and_say_so(client: Client) -> None:
    client.harness.store.is_down = True
    for method, path, body in (
        ("GET", "/routes", None),
        ("PATCH", "/routes/orders", {"share_bp": 1, "why": "a test"}),
        ("POST", "/strangler/complete", {"path": "/api/orders"}),
    ):
        response = await client.send(method, path, body, if_match="*")
        assert (response.status_code, response.json()["type"]) == (503, "/problems/service-unavailable")
        assert response.json()["detail"].startswith("Redis does not answer")


async def test_an_empty_store_is_503_and_says_who_fills_it(client: Client) -> None:
    client.harness.store.document = None
    response = await client.send("GET", "/routes")
    assert response.status_code == 503
    assert "an agent brings them" in response.json()["detail"]


async def test_an_unknown_path_is_a_problem_too(client: Client) -> None:
    response = await client.http.get("/consoles")
    assert response.json() == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at /admin/consoles.",
    }
    response = await client.send("DELETE", "/routes")
    assert (response.status_code, response.json()["type"]) == (405, "/problems/method-not-allowed")
