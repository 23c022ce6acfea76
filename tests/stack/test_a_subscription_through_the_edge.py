"""`orderProgress` over both transports, through Envoy: the events of a real order, in order."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.harness.platform import Platform
from tests.stack.test_an_order_is_placed_and_finishes import CONFIRM, placed

pytestmark = pytest.mark.stack

PROGRESS = "subscription($id: ID!) { orderProgress(orderId: $id) { id step state } }"
DEADLINE_S = 30


async def over_sse(platform: Platform, params: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    headers = platform.customer() | {"accept": "text/event-stream"}
    async with (
        httpx.AsyncClient(timeout=DEADLINE_S, trust_env=False) as client,
        client.stream("POST", f"{platform.edge}/web/graphql", json=params, headers=headers) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        event = ""
        async for line in response.aiter_lines():
            if line.startswith("event:"):
                event = line.removeprefix("event:").strip()
            elif line.startswith("data:") and event == "next":
                yield json.loads(line.removeprefix("data:"))
            if event == "complete":
                return


async def over_websocket(platform: Platform, params: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    url = platform.edge.replace("http://", "ws://") + "/web/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": platform.customer()}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": params}))
        while (message := json.loads(await socket.recv()))["type"] != "complete":
            if message["type"] == "ping":
                await socket.send(json.dumps({"type": "pong"}))
                continue
            assert message["type"] == "next", message
            yield message["payload"]


@pytest.mark.parametrize("transport", [over_sse, over_websocket], ids=["SSE", "WebSocket"])
async def test_an_order_is_followed_to_its_end(platform: Platform, transport: Any) -> None:
    order_id = (await asyncio.to_thread(placed, platform, str(uuid.uuid4())))["order"]["id"]
    params = {"query": PROGRESS, "variables": {"id": order_id}}
    confirm = {"query": CONFIRM, "variables": {"id": order_id}}
    seen: list[tuple[str, str]] = []
    has_confirmed = False

    async with asyncio.timeout(DEADLINE_S):
        async for result in transport(platform, params):
            assert "errors" not in result, result
            event = result["data"]["orderProgress"]
            seen.append((event["step"], event["state"]))
            if not has_confirmed:
                has_confirmed = True
                response = await asyncio.to_thread(platform.graphql, "web", confirm, platform.staff("warehouse"))
                assert response.data

    assert len(seen) == len(set(seen)), "an event came twice"
    assert any("ship" in step.lower() for step, _ in seen)


async def test_somebody_elses_order_cannot_be_followed(platform: Platform) -> None:
    theirs = await asyncio.to_thread(platform.get, "/api/orders?limit=1", platform.customer("cust_0002"))
    params = {"query": PROGRESS, "variables": {"id": theirs.body["items"][0]["id"]}}

    async with asyncio.timeout(DEADLINE_S):
        results = [result async for result in over_sse(platform, params)]

    assert [error["extensions"]["code"] for error in results[0]["errors"]] == ["NOT_FOUND"]
