"""Who gets in."""

import pytest

from tests.harness.tokens import bearer
from tests.matapalo.strangler.api.harness import Client

GETS = ["/routes", "/routes/orders", "/routes/orders/history", "/routes/orders/explain", "/history", "/nodes"]
GETS += ["/decommission", "/routes/orders/decommission", "/routes.toml"]
POSTS = ["/strangler/rollout", "/strangler/complete", "/strangler/rollback", "/routes/orders/complete"]
POSTS += ["/routes/orders/rollback", "/routes/orders/decommission"]


@pytest.mark.parametrize(("method", "path"), [*(("GET", path) for path in GETS), *(("POST", path) for path in POSTS)])
async def test_only_an_operator_sees_or_changes_anything(client: Client, method: str, path: str) -> None:
    body = {"path": "/api/orders", "percentage": 1} if method == "POST" else None
    anonymous = await client.http.request(method, path, json=body)
    assert (anonymous.status_code, anonymous.headers["www-authenticate"]) == (401, "Bearer")
    assert anonymous.json()["type"] == "/problems/unauthenticated"
    for role in ("customer", "warehouse", "service"):
        response = await client.http.request(method, path, json=body, headers=bearer(role=role))
        assert (response.status_code, response.json()["type"]) == (403, "/problems/forbidden")
    assert client.share_bp() == 2_500
