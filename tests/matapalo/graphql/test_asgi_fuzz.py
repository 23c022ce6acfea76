"""Whatever comes in, a GraphQL response goes out: never a 5xx, never a hang, never a trace of our code."""

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness.asgi import Conversation, Response, request, websocket_scope
from tests.matapalo.graphql.harness import create

JSON_VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
QUERY = st.sampled_from(["{ hello }", "{ between(range: {low: 1}) }", "query ($r: Range!) { between(range: $r) }", "{"])
MEMBERS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("query", "variables", "operationName", "extensions", "documentId", "anything"), JSON_VALUE | QUERY
    ),
)
HEADERS = st.fixed_dictionaries(
    {"content-type": st.just("application/json") | st.text(st.characters(max_codepoint=255), max_size=30)},
    optional={
        name: st.text(st.characters(max_codepoint=255), max_size=40)
        for name in ("accept", "authorization", "traceparent", "x-request-id", "x-forwarded-for", "origin", "x-canary")
    },
)
CALM = settings(max_examples=80, deadline=None)


def assert_civil(response: Response) -> None:
    assert response.status < 500
    assert response.headers["x-request-id"]
    assert b"Traceback" not in response.body
    if response.headers["content-type"].startswith("application"):
        payload = response.json()
        assert "data" in payload or all(error["extensions"]["code"] for error in payload["errors"])


@CALM
@given(body=st.binary(max_size=200), headers=HEADERS)
def test_any_bytes_are_answered(body: bytes, headers: dict[str, str]) -> None:
    assert_civil(asyncio.run(request(create().endpoint, "POST", headers=headers, body=body)))


@CALM
@given(payload=MEMBERS | JSON_VALUE, headers=HEADERS)
def test_any_json_is_answered(payload: object, headers: dict[str, str]) -> None:
    body = json.dumps(payload).encode()
    sent = headers | {"content-type": "application/json"}
    assert_civil(asyncio.run(request(create().endpoint, "POST", headers=sent, body=body)))


@CALM
@given(query_string=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=100), headers=HEADERS)
def test_any_query_string_is_answered(query_string: str, headers: dict[str, str]) -> None:
    assert_civil(asyncio.run(request(create().endpoint, "GET", query_string=query_string, headers=headers)))


@CALM
@given(source=st.text(st.sampled_from('{}()[]:!$@#"&|=.,\\ \nabqueryfragmenton0'), max_size=120))
def test_any_document_is_answered(source: str) -> None:
    body = json.dumps({"query": source}).encode()
    headers = {"content-type": "application/json"}
    assert_civil(asyncio.run(request(create().endpoint, "POST", headers=headers, body=body)))


MESSAGE = st.fixed_dictionaries(
    {"type": st.sampled_from(["connection_init", "subscribe", "complete", "ping", "pong"]) | JSON_VALUE},
    optional={"id": st.sampled_from(["a", "b"]) | JSON_VALUE, "payload": MEMBERS | JSON_VALUE},
)


@CALM
@given(messages=st.lists(MESSAGE | JSON_VALUE, max_size=8))
def test_any_conversation_over_a_websocket_comes_to_an_end(messages: list[object]) -> None:
    async def talk() -> Conversation:
        conversation = Conversation()
        conversation.to_app.put_nowait({"type": "websocket.connect"})
        conversation.say({"type": "connection_init"})
        for message in messages:
            conversation.say(message)
        conversation.leave()
        async with asyncio.timeout(5):
            await create().endpoint(websocket_scope(), conversation.receive, conversation.send)
        return conversation

    conversation = asyncio.run(talk())
    assert conversation.close_code in (None, 4400, 4401, 4403, 4409, 4429)
