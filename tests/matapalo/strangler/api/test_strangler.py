"""The three moves."""

import pytest

from tests.matapalo.strangler.api.harness import Client


async def test_the_three_moves_take_a_path_and_need_nothing_else(client: Client) -> None:
    path = {"path": "/api/orders"}
    rollout = await client.send("POST", "/strangler/rollout", path | {"percentage": 12.34})
    assert (rollout.status_code, client.share_bp()) == (200, 1_234)
    assert rollout.json()["why"] == "12.34 % by POST /admin/strangler/rollout"
    complete = await client.send("POST", "/strangler/complete", path | {"why": "all is well"})
    assert complete.json()["changes"] == {
        "share_bp": [1_234, 10_000],
        "writes": ["legacy", "new"],
        "fallback": [True, False],
    }
    await client.send("POST", "/strangler/rollback", path)
    assert client.share_bp() == 1_234
    stale = await client.send("POST", "/strangler/rollout", path | {"percentage": 50}, if_match='"8"')
    assert (stale.status_code, client.share_bp()) == (412, 1_234)


@pytest.mark.parametrize("percentage", [-1, 100.5, 12.345, 0.00001, "many", None])
async def test_a_percentage_is_from_0_to_100_in_steps_of_001(client: Client, percentage: object) -> None:
    response = await client.send("POST", "/strangler/rollout", {"path": "/api/orders", "percentage": percentage})
    assert response.status_code == 422
