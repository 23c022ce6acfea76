"""Server-sent events: what a stream holds; it ends when it completes, its client leaves, or the server stops."""

import json
from urllib.parse import quote

import pytest

from matapalo.graphql.asgi import Endpoint
from tests.harness.asgi import Response, conversation, http_scope, post, request
from tests.harness.eventually import eventually
from tests.matapalo.graphql.harness import ENDED, SECRET, create

STREAM = "text/event-stream"


def events(body: bytes) -> list[tuple[str, object]]:
    """The events of a stream, comments left out."""
    parsed: list[tuple[str, object]] = []
    for block in body.decode().split("\n\n"):
        fields = dict(line.split(":", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if fields:
            data = fields["data"].strip()
            parsed.append((fields["event"].strip(), json.loads(data) if data else None))
    return parsed


async def ask(query: str, **headers: str) -> Response:
    return await post(create().endpoint, {"query": query}, accept=STREAM, **headers)


async def test_a_subscription_is_a_stream_of_next_and_a_complete() -> None:
    response = await ask("subscription { count(to: 2) }")
    assert (response.status, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert events(response.body) == [
        ("next", {"data": {"count": 1}}),
        ("next", {"data": {"count": 2}}),
        ("complete", None),
    ]


async def test_a_subscription_may_come_by_get() -> None:
    query = quote("subscription { count(to: 1) }")
    response = await request(create().endpoint, "GET", query_string=f"query={query}", headers={"accept": STREAM})
    assert events(response.body) == [("next", {"data": {"count": 1}}), ("complete", None)]


@pytest.mark.parametrize(
    ("query", "data"), [("{ hello }", {"hello": "hello you"}), ("mutation { write }", {"write": None})]
)
async def test_queries_and_mutations_stream_one_result(query: str, data: object) -> None:
    assert events((await ask(query)).body) == [("next", {"data": data}), ("complete", None)]


async def test_a_subscription_streams_although_json_is_accepted_too() -> None:
    response = await post(
        create().endpoint, {"query": "subscription { count(to: 1) }"}, accept=f"application/json, {STREAM}"
    )
    assert events(response.body)[-1] == ("complete", None)


async def test_a_query_is_a_single_response_when_json_is_accepted_too() -> None:
    response = await post(create().endpoint, {"query": "{ hello }"}, accept=f"{STREAM}, application/json")
    assert response.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    ("query", "headers", "code"),
    [
        ("subscription { nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {", {}, "GRAPHQL_PARSE_FAILED"),
        ("subscription ($to: Int!) { count(to: $to) }", {}, "BAD_USER_INPUT"),
        ("subscription { count(to: 1) }", {"authorization": "Bearer old"}, "UNAUTHENTICATED"),
        ("subscription { refused }", {}, "NOT_FOUND"),
    ],
)
async def test_a_refusal_comes_inside_the_stream(query: str, headers: dict[str, str], code: str) -> None:
    response = await ask(query, **headers)
    (first, payload), last = events(response.body)
    assert (response.status, first, last) == (200, "next", ("complete", None))
    assert isinstance(payload, dict)
    assert payload["errors"][0]["extensions"]["code"] == code


async def test_a_stream_that_breaks_says_so_without_its_reason() -> None:
    response = await ask("subscription { breaks }")
    assert SECRET.encode() not in response.body
    first, second, last = events(response.body)
    assert first == ("next", {"data": {"breaks": 1}})
    assert "INTERNAL" in str(second)
    assert last == ("complete", None)


def subscription_scope() -> dict[str, object]:
    return http_scope("GET", query_string=f"query={quote('subscription { forever }')}", headers={"accept": STREAM})


async def test_a_silent_stream_is_kept_alive_by_comments() -> None:
    endpoint = create(keep_alive_s=0.01).endpoint
    async with conversation(endpoint, subscription_scope()) as talk:
        await talk.until(lambda: talk.body.count(b":\n\n") >= 3, "comments")


async def test_a_client_that_leaves_ends_its_subscription() -> None:
    harness = create()
    ENDED.clear()
    async with conversation(harness.endpoint, subscription_scope()) as talk:
        await talk.until(lambda: b"event: next" in talk.body, "the first event")
        talk.leave()
        await talk.until(lambda: talk.has_ended, "the endpoint returns")
    assert ENDED == ["forever"]
    assert harness.contexts[0].is_closed
    assert [observation.outcome for observation in harness.observed] == ["cancelled"]
    assert b"complete" not in talk.body


async def test_a_server_that_stops_ends_streams_without_complete() -> None:
    endpoint: Endpoint = create().endpoint
    ENDED.clear()
    async with conversation(endpoint, subscription_scope()) as talk:
        await talk.until(lambda: b"event: next" in talk.body, "the first event")
        endpoint.end_streams()
        await talk.until(lambda: talk.has_ended, "the endpoint returns")
    await eventually(lambda: ENDED == ["forever"], message="the generator is closed")
    assert b"complete" not in talk.body
    assert talk.sent[-1] == {"type": "http.response.body", "body": b""}
