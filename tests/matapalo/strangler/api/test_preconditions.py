"""Which revision a write was made from."""

import pytest

from tests.matapalo.strangler.api.harness import Client


@pytest.mark.parametrize(
    ("headers", "status", "slug"),
    [
        ({}, 428, "precondition-required"),
        ({"if_match": '"2"'}, 412, "precondition-failed"),
        ({"if_match": "1"}, 412, "precondition-failed"),
    ],
)
async def test_a_change_says_what_it_was_made_from(
    client: Client, headers: dict[str, str], status: int, slug: str
) -> None:
    body = {"share_bp": 4_000, "why": "a test"}
    for method, path in (("PATCH", "/routes/orders"), ("POST", "/routes/orders/rollback")):
        sent = body if method == "PATCH" else {"why": "a test"}
        response = await client.send(method, path, sent, **headers)
        assert (response.status_code, response.json()["type"]) == (status, f"/problems/{slug}")
    assert client.share_bp() == 2_500


async def test_any_revision_may_be_changed_with_a_star(client: Client) -> None:
    response = await client.send("PATCH", "/routes/orders", {"share_bp": 1, "why": "a test"}, if_match="*")
    assert response.status_code == 200
