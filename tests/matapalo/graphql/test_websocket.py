"""graphql-transport-ws: the conversation, the close codes, and that nothing runs on after it."""

from typing import Any

import pytest

from matapalo.graphql.websocket import ConnectionLimits
from tests.harness.asgi import Conversation, conversation, websocket_scope
from tests.matapalo.graphql.harness import ENDED, ORIGIN, SECRET, Harness, create

COUNT = {"query": "subscription { count(to: 2) }"}
FOREVER = {"query": "subscription { forever }"}


async def opened(talk: Conversation, payload: object = None) -> None:
    """Connect, initialise, and wait for the acknowledgement."""
    talk.to_app.put_nowait({"type": "websocket.connect"})
    talk.say({"type": "connection_init"} if payload is None else {"type": "connection_init", "payload": payload})
    await talk.until(lambda: {"type": "connection_ack"} in talk.said, "the acknowledgement")


def subscribe(name: object, payload: object) -> dict[str, object]:
    return {"type": "subscribe", "id": name, "payload": payload}


async def test_a_subscription_is_a_series_of_next_and_a_complete() -> None:
    async with conversation(create().endpoint, websocket_scope()) as talk:
        await opened(talk)
        talk.say(subscribe("a", COUNT))
        await talk.until(lambda: {"type": "complete", "id": "a"} in talk.said, "complete")
    assert talk.sent[0]["subprotocol"] == "graphql-transport-ws"
    assert talk.said[1:] == [
        {"type": "next", "id": "a", "payload": {"data": {"count": 1}}},
        {"type": "next", "id": "a", "payload": {"data": {"count": 2}}},
        {"type": "complete", "id": "a"},
    ]


async def test_a_query_is_one_next_and_a_complete() -> None:
    async with conversation(create().endpoint, websocket_scope()) as talk:
        await opened(talk)
        talk.say(subscribe("q", {"query": "query ($n: String) { hello(name: $n) }", "variables": {"n": "Ana"}}))
        await talk.until(lambda: {"type": "complete", "id": "q"} in talk.said, "complete")
    assert talk.said[1]["payload"] == {"data": {"hello": "hello Ana"}}


@pytest.mark.parametrize("name", ["Authorization", "authorization"])
async def test_the_token_comes_with_the_first_message(name: str) -> None:
    async with conversation(create().endpoint, websocket_scope()) as talk:
        await opened(talk, {name: "Bearer good"})
        talk.say(subscribe("q", {"query": "{ subject }"}))
        await talk.until(lambda: len(talk.said) == 3, "complete")
    assert talk.said[1]["payload"] == {"data": {"subject": "cust_0001"}}


async def test_the_token_may_come_with_the_handshake() -> None:
    async with conversation(create().endpoint, websocket_scope({"authorization": "Bearer good"})) as talk:
        await opened(talk)
        talk.say(subscribe("q", {"query": "{ subject }"}))
        await talk.until(lambda: len(talk.said) == 3, "complete")
    assert talk.said[1]["payload"] == {"data": {"subject": "cust_0001"}}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "subscription {"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "subscription { nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"documentId": "sha256:" + "0" * 64}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"query": "mutation { write }"}, "OPERATION_NOT_ALLOWED"),
    ],
)
async def test_an_operation_that_cannot_begin_leaves_the_connection(payload: object, code: str) -> None:
    async with conversation(create().endpoint, websocket_scope()) as talk:
        await opened(talk)
        talk.say(subscribe("a", payload))
        await talk.until(lambda: len(talk.said) == 2, "an error")
        assert talk.said[1]["type"] == "error"
        assert talk.said[1]["payload"][0]["extensions"]["code"] == code
        talk.say(subscribe("a", COUNT))
        await talk.until(lambda: {"type": "complete", "id": "a"} in talk.said, "complete")


async def test_a_stream_that_breaks_says_so_without_its_reason() -> None:
    async with conversation(create().endpoint, websocket_scope()) as talk:
        await opened(talk)
        talk.say(subscribe("a", {"query": "subscription { breaks }"}))
        await talk.until(lambda: {"type": "complete", "id": "a"} in talk.said, "complete")
    assert SECRET not in str(talk.said)
    assert "INTERNAL" in str(talk.said)


async def test_a_ping_gets_a_pong_with_its_payload() -> None:
    async with conversation(create().endpoint, websocket_scope()) as talk:
        await opened(talk)
        talk.say({"type": "ping"})
        talk.say({"type": "ping", "payload": {"n": 1}})
        talk.say({"type": "pong"})
        await talk.until(lambda: len(talk.said) == 3, "pongs")
    assert talk.said[1:] == [{"type": "pong"}, {"type": "pong", "payload": {"n": 1}}]


async def test_a_client_that_completes_frees_the_id() -> None:
    harness = create()
    ENDED.clear()
    async with conversation(harness.endpoint, websocket_scope()) as talk:
        await opened(talk)
        talk.say(subscribe("a", FOREVER))
        await talk.until(lambda: len(talk.said) == 2, "the first event")
        talk.say({"type": "complete", "id": "a"})
        talk.say({"type": "complete", "id": "unknown"})
        await talk.until(lambda: ENDED, "the generator is closed")
        talk.say(subscribe("a", COUNT))
        await talk.until(lambda: {"type": "complete", "id": "a"} in talk.said, "complete")
    assert [observation.outcome for observation in harness.observed] == ["cancelled", "ok"]
    assert all(context.is_closed for context in harness.contexts)


async def closed_with(talk: Conversation) -> int | None:
    await talk.until(lambda: talk.close_code is not None, "a close")
    await talk.until(lambda: talk.has_ended, "the endpoint returns")
    return talk.close_code


BROKEN: dict[str, tuple[list[Any], int]] = {
    "no JSON": (["{"], 4400),
    "a list": ([[]], 4400),
    "no type": ([{}], 4400),
    "a type that is no string": ([{"type": 1}], 4400),
    "an unknown type": ([{"type": "start"}], 4400),
    "a server's message": ([{"type": "next", "id": "a", "payload": {}}], 4400),
    "initialised twice": ([{"type": "connection_init"}] * 2, 4429),
    "a payload that is no object": ([{"type": "connection_init", "payload": []}], 4400),
    "a token that is no string": ([{"type": "connection_init", "payload": {"Authorization": 1}}], 4400),
    "a bad token": ([{"type": "connection_init", "payload": {"Authorization": "Bearer old"}}], 4403),
    "subscribed too early": ([subscribe("a", COUNT)], 4401),
    "no id": ([{"type": "connection_init"}, {"type": "subscribe", "payload": COUNT}], 4400),
    "an empty id": ([{"type": "connection_init"}, subscribe("", COUNT)], 4400),
    "a long id": ([{"type": "connection_init"}, subscribe("x" * 200, COUNT)], 4400),
    "no payload": ([{"type": "connection_init"}, subscribe("a", None)], 4400),
    "an empty payload": ([{"type": "connection_init"}, subscribe("a", {})], 4400),
    "variables a list": ([{"type": "connection_init"}, subscribe("a", {**COUNT, "variables": []})], 4400),
    "an id in use": ([{"type": "connection_init"}, subscribe("a", FOREVER), subscribe("a", FOREVER)], 4409),
    "complete without an id": ([{"type": "connection_init"}, {"type": "complete"}], 4400),
    "a message over the limit": ([{"type": "ping", "payload": {"x": "y" * 5000}}], 1009),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_breaking_the_protocol_closes_with_its_code(name: str) -> None:
    messages, code = BROKEN[name]
    harness = create(connection_limits=ConnectionLimits(message_bytes=2_000))
    async with conversation(harness.endpoint, websocket_scope()) as talk:
        talk.to_app.put_nowait({"type": "websocket.connect"})
        for message in messages:
            talk.say(message)
        assert await closed_with(talk) == code
    assert all(context.is_closed for context in harness.contexts)


async def test_a_client_that_does_not_initialise_is_closed_in_time() -> None:
    harness = create(connection_limits=ConnectionLimits(init_timeout_s=0.01))
    async with conversation(harness.endpoint, websocket_scope()) as talk:
        talk.to_app.put_nowait({"type": "websocket.connect"})
        assert await closed_with(talk) == 4408


async def test_once_initialised_silence_is_fine() -> None:
    harness = create(connection_limits=ConnectionLimits(init_timeout_s=0.05))
    async with conversation(harness.endpoint, websocket_scope()) as talk:
        await opened(talk)
        talk.say(subscribe("a", {"query": "{ slow }"}))
        await talk.until(lambda: harness.contexts, "the operation runs")
        talk.say({"type": "complete", "id": "a"})
        await talk.until(lambda: harness.observed, "the operation ends")
        assert talk.close_code is None


async def test_the_number_of_subscriptions_has_a_limit() -> None:
    harness = create(connection_limits=ConnectionLimits(subscriptions=1))
    async with conversation(harness.endpoint, websocket_scope()) as talk:
        await opened(talk)
        talk.say(subscribe("a", FOREVER))
        talk.say(subscribe("b", FOREVER))
        await talk.until(lambda: any(message["type"] == "error" for message in talk.said), "an error")
        refused = next(message for message in talk.said if message["type"] == "error")
        assert (refused["id"], refused["payload"][0]["extensions"]["code"]) == ("b", "OVERLOADED")


@pytest.mark.parametrize("subprotocols", [[], ["graphql-ws"], ["graphql-transport-wss"]])
async def test_another_subprotocol_is_closed_with_4406(subprotocols: list[str]) -> None:
    async with conversation(create().endpoint, websocket_scope(subprotocols=subprotocols)) as talk:
        talk.to_app.put_nowait({"type": "websocket.connect"})
        assert await closed_with(talk) == 4406


@pytest.mark.parametrize(
    ("origin", "accepted"), [(ORIGIN, True), ("http://bff.example", True), ("https://evil.example", False)]
)
async def test_a_foreign_page_may_not_connect(origin: str, accepted: bool) -> None:
    scope = websocket_scope({"origin": origin, "host": "bff.example"})
    async with conversation(create().endpoint, scope) as talk:
        talk.to_app.put_nowait({"type": "websocket.connect"})
        await talk.until(lambda: talk.sent, "an response to the handshake")
        assert (talk.sent[0]["type"] == "websocket.accept") is accepted


async def leaving(harness: Harness, how: str) -> Conversation:
    async with conversation(harness.endpoint, websocket_scope()) as talk:
        await opened(talk)
        for name in ("a", "b"):
            talk.say(subscribe(name, FOREVER))
        await talk.until(lambda: len(talk.said) == 3, "both have begun")
        if how == "client":
            talk.leave()
        else:
            harness.endpoint.end_streams()
        await talk.until(lambda: talk.has_ended, "the endpoint returns")
    return talk


@pytest.mark.parametrize("how", ["client", "server"])
async def test_nothing_runs_on_after_the_connection(how: str) -> None:
    harness = create()
    ENDED.clear()
    talk = await leaving(harness, how)
    assert ENDED == ["forever", "forever"]
    assert all(context.is_closed for context in harness.contexts)
    assert talk.close_code == (1012 if how == "server" else None)


async def test_a_client_that_disconnects_while_written_to_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    harness = create()
    talk = Conversation()

    async def send(message: Any) -> None:
        if message["type"] == "websocket.send" and '"next"' in message["text"]:
            raise OSError("the client has left")
        await talk.send(message)

    talk.to_app.put_nowait({"type": "websocket.connect"})
    talk.say({"type": "connection_init"})
    talk.say(subscribe("a", COUNT))
    talk.leave()
    await harness.endpoint(websocket_scope(), talk.receive, send)
    assert caplog.records == []


async def test_each_operation_of_a_connection_has_its_own_request_id() -> None:
    harness = create()
    async with conversation(harness.endpoint, websocket_scope({"x-request-id": "12345678"})) as talk:
        await opened(talk)
        for name in ("a", "b"):
            talk.say(subscribe(name, {"query": "{ hello }"}))
        await talk.until(lambda: len(harness.observed) == 2, "both have ended")
    assert len({context.request.request_id for context in harness.contexts} | {"12345678"}) == 3


async def test_a_websocket_scope_without_a_connect_is_let_go() -> None:
    async with conversation(create().endpoint, websocket_scope()):
        pass
