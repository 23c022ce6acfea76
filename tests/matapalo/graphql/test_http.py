"""POST and GET: which response, with which status, in which media type; and that no input gets a stack trace."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from matapalo.operations.limits import DocumentLimits
from tests.harness.asgi import Response, conversation, http_scope, post, request
from tests.matapalo.graphql.harness import ORIGIN, SECRET, create

NEWER = "application/graphql-response+json"
OLDER = "application/json"


async def ask(query: str, *, accept: str = NEWER, **members: Any) -> Response:
    return await post(create().endpoint, {"query": query, **members}, accept=accept)


async def test_a_query_gets_its_data() -> None:
    response = await ask("{ hello }")
    assert (response.status, response.json()) == (200, {"data": {"hello": "hello you"}})
    assert response.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    assert response.headers["content-length"] == str(len(response.body))
    assert response.headers["cache-control"] == "no-store"


async def test_variables_operation_name_and_other_members_are_read() -> None:
    query = "query A($n: String!) { hello(name: $n) } query B { price }"
    response = await ask(query, operationName="A", variables={"n": "Ana"}, extensions={"x": 1}, unknown=True)
    assert response.json() == {"data": {"hello": "hello Ana"}}


async def test_decimals_keep_their_digits() -> None:
    response = await ask("{ price anything }")
    assert response.json()["data"] == {"price": "12.30", "anything": {"price": "0.10", "huge": "x"}}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("{", 400, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", 400, "GRAPHQL_VALIDATION_FAILED"),
        ("query A { hello } query B { hello }", 400, "BAD_USER_INPUT"),
        ("query ($r: Range!) { between(range: $r) }", 400, "BAD_USER_INPUT"),
        ("{ slow }", 504, "UPSTREAM_TIMEOUT"),
        ("{ notJson }", 500, "INTERNAL"),
    ],
)
async def test_a_request_error_has_its_status_in_the_newer_type_only(query: str, status: int, code: str) -> None:
    endpoint = create(query_deadline_s=0.01).endpoint
    newer, older = [await post(endpoint, {"query": query}, accept=accept) for accept in (NEWER, OLDER)]
    assert (newer.status, newer.code()) == (status, code)
    assert (older.status, older.code()) == (200, code)
    assert "data" not in newer.json()
    assert "data" not in older.json()


@pytest.mark.parametrize(
    ("query", "code", "data"),
    [
        ("{ hello bug }", "INTERNAL", {"hello": "hello you", "bug": None}),
        ("{ tooBig }", "INTERNAL", {"tooBig": None}),
        ("{ neededBug }", "INTERNAL", None),
        ("{ down }", "UPSTREAM_UNAVAILABLE", {"down": None}),
        ("{ late }", "UPSTREAM_TIMEOUT", {"late": None}),
        ("{ missing }", "NOT_FOUND", {"missing": None}),
    ],
)
async def test_a_field_error_is_200_and_keeps_the_data(query: str, code: str, data: object) -> None:
    for accept in (NEWER, OLDER):
        response = await ask(query, accept=accept)
        assert (response.status, response.code(), response.json()["data"]) == (200, code, data)
        assert response.json()["errors"][0]["path"]


async def test_a_bug_is_masked_and_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    response = await ask("{ bug }")
    assert SECRET.encode() not in response.body
    assert response.json()["errors"][0]["message"] == "Internal error"
    assert SECRET in caplog.text
    assert "Traceback" in caplog.text


async def test_only_the_first_bugs_of_a_response_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    response = await ask("{" + " ".join(f"b{index}: bug" for index in range(9)) + "}")
    assert len(response.json()["errors"]) == 9
    assert len(caplog.records) == 3


async def test_a_retryable_failure_says_so_and_when() -> None:
    response = await ask("{ down }")
    assert response.json()["errors"][0]["extensions"] == {
        "code": "UPSTREAM_UNAVAILABLE",
        "retryable": True,
        "retryAfter": 2.0,
    }


async def test_the_context_is_closed_and_its_headers_are_sent() -> None:
    harness = create()
    response = await post(harness.endpoint, {"query": "{ subject }"}, authorization="Bearer good")
    assert response.json() == {"data": {"subject": "cust_0001"}}
    assert response.headers["x-seen"] == "yes"
    assert [context.is_closed for context in harness.contexts] == [True]


async def test_a_bad_token_is_unauthenticated_with_a_reason() -> None:
    response = await post(create().endpoint, {"query": "{ hello }"}, authorization="Bearer old", accept=NEWER)
    assert (response.status, response.code()) == (401, "UNAUTHENTICATED")
    assert response.json()["errors"][0]["message"] == "The token has expired (exp)"


MALFORMED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not JSON"),
    "cut off": (b'{"query": "{ hel', "not JSON"),
    "not JSON": (b"hello", "not JSON"),
    "invalid UTF-8": (b'{"query": "\xff"}', "not JSON in UTF-8"),
    "half a surrogate pair": (b'{"query": "\\ud800"}', "not JSON"),
    "too deep": (b'{"variables":' + b"[" * 5000 + b"]" * 5000 + b"}", "not JSON"),
    "null": (b"null", "The body is null"),
    "a string": (b'"{ hello }"', "The body is a string"),
    "a number": (b"5", "The body is a number"),
    "a batch": (b'[{"query": "{ hello }"}]', "Batching is not supported"),
    "an empty batch": (b"[]", "Batching is not supported"),
    "no query": (b"{}", "query is missing"),
    "empty query": (b'{"query": ""}', "query is missing"),
    "query null": (b'{"query": null}', "query is missing"),
    "query a number": (b'{"query": 0}', "query is a number"),
    "query false": (b'{"query": false}', "query is a boolean"),
    "query a list": (b'{"query": ["{ hello }"]}', "query is an array"),
    "query an object": (b'{"query": {}}', "query is an object"),
    "operationName a number": (b'{"query": "{ hello }", "operationName": 5}', "operationName is a number"),
    "variables a list": (b'{"query": "{ hello }", "variables": []}', "variables is an array"),
    "variables a string": (b'{"query": "{ hello }", "variables": "{}"}', "variables is a string"),
    "extensions a number": (b'{"query": "{ hello }", "extensions": 1}', "extensions is a number"),
    "documentId a number": (b'{"documentId": 1}', "documentId is a number"),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_request_is_400_in_every_media_type(name: str) -> None:
    body, reason = MALFORMED[name]
    for accept in (NEWER, OLDER, "*/*", "text/event-stream"):
        headers = {"content-type": "application/json", "accept": accept}
        response = await request(create().endpoint, "POST", headers=headers, body=body)
        assert (response.status, response.code()) == (400, "BAD_USER_INPUT")
        assert reason in response.json()["errors"][0]["message"]
        assert "json" in response.headers["content-type"]


async def test_of_a_key_sent_twice_the_last_value_counts() -> None:
    body = b'{"query": "{ nothing }", "query": "{ hello }"}'
    response = await request(create().endpoint, "POST", headers={"content-type": "application/json"}, body=body)
    assert response.json() == {"data": {"hello": "hello you"}}


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('APPLICATION/JSON;charset="UTF-8"', 200),
        ("application/json; charset=utf-16", 415),
        ("application/graphql", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
        (None, 415),
    ],
)
async def test_only_json_in_utf_8_is_read(content_type: str | None, status: int) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    response = await request(create().endpoint, "POST", headers=headers, body=b'{"query": "{ hello }"}')
    assert response.status == status
    if status == 415:
        assert "application/json" in response.body.decode() or "UTF-8" in response.body.decode()


async def test_a_compressed_body_is_not_read() -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert (await request(create().endpoint, "POST", headers=headers, body=b"\x1f\x8b")).status == 415


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_refused_before_it_is_read(declared: bool) -> None:
    endpoint = create(max_body_bytes=1000).endpoint
    headers = {"content-type": "application/json"} | ({"content-length": "999999"} if declared else {})
    async with conversation(endpoint, http_scope("POST", headers=headers)) as talk:
        if not declared:
            for _ in range(3):
                talk.to_app.put_nowait({"type": "http.request", "body": b" " * 400, "more_body": True})
        await talk.until(lambda: talk.has_ended, "the endpoint answers without the rest of the body")
        assert talk.sent[0]["status"] == 413
        assert json.loads(talk.body)["errors"][0]["extensions"]["code"] == "REQUEST_TOO_LARGE"


async def test_a_body_in_pieces_is_read_whole() -> None:
    whole = b'{"query": "{ hello }"}'
    pieces = [whole[index : index + 1] for index in range(len(whole))]
    response = await request(create().endpoint, "POST", headers={"content-type": "application/json"}, body=pieces)
    assert response.json() == {"data": {"hello": "hello you"}}


async def test_a_client_that_leaves_while_sending_gets_no_response() -> None:
    async with conversation(create().endpoint, http_scope("POST", headers={"content-type": OLDER})) as talk:
        talk.to_app.put_nowait({"type": "http.request", "body": b'{"que', "more_body": True})
    assert talk.sent == []


async def test_a_document_with_too_many_tokens_is_too_large() -> None:
    endpoint = create(limits=DocumentLimits(tokens=20)).endpoint
    response = await post(endpoint, {"query": "{" + "hello " * 30 + "}"}, accept=OLDER)
    assert (response.status, response.code()) == (413, "REQUEST_TOO_LARGE")


async def test_a_very_long_message_is_cut() -> None:
    response = await ask("query ($r: Range!) { between(range: $r) }", variables={"r": {"low": "x" * 50_000}})
    assert response.status == 400
    assert len(response.body) < 2_000


async def get(query_string: str, method: str = "GET", **headers: str) -> Response:
    return await request(create().endpoint, method, query_string=query_string, headers=headers)


async def test_a_query_may_come_by_get() -> None:
    variables, extensions = quote('{"n": "Ana & Bo"}'), quote("{}")
    query = quote("query A($n: String) { hello(name: $n) }")
    response = await get(f"query={query}&variables={variables}&extensions={extensions}&operationName=A", accept=NEWER)
    assert (response.status, response.json()) == (200, {"data": {"hello": "hello Ana & Bo"}})


async def test_head_is_a_get() -> None:
    assert (await get(f"query={quote('{ hello }')}", "HEAD")).status == 200


@pytest.mark.parametrize(
    ("query_string", "reason"),
    [
        ("", "query is missing"),
        ("query=", "query is missing"),
        ("query=%ff", "UTF-8"),
        ("query={hello}&variables={", "variables is not JSON"),
        ("query={hello}&variables=[]", "variables is an array"),
        ("query={hello}&extensions=1", "extensions is a number"),
        ("&".join(["a=1"] * 60), "cannot be read"),
    ],
)
async def test_a_malformed_get_is_400(query_string: str, reason: str) -> None:
    response = await get(query_string, accept=OLDER)
    assert (response.status, response.code()) == (400, "BAD_USER_INPUT")
    assert reason in response.json()["errors"][0]["message"]


async def test_a_query_string_over_the_limit_is_too_large() -> None:
    endpoint = create(max_body_bytes=100).endpoint
    response = await request(endpoint, "GET", query_string=f"query={'a' * 200}")
    assert (response.status, response.code()) == (413, "REQUEST_TOO_LARGE")


@pytest.mark.parametrize("accept", [NEWER, OLDER, "text/event-stream"])
async def test_a_mutation_by_get_is_405(accept: str) -> None:
    response = await get(f"query={quote('mutation { write }')}", accept=accept)
    assert (response.status, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_subscription_without_a_stream_names_its_transports(method: str) -> None:
    query = "subscription { count(to: 1) }"
    response = await ask(query) if method == "POST" else await get(f"query={quote(query)}")
    message = response.json()["errors"][0]["message"]
    assert (response.status, response.code()) == (400, "BAD_USER_INPUT")
    assert "text/event-stream" in message
    assert "graphql-transport-ws" in message


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_another_method_is_405(method: str) -> None:
    response = await request(create().endpoint, method)
    assert (response.status, response.headers["allow"]) == (405, "GET, HEAD, POST, OPTIONS")


async def test_accepting_nothing_we_send_is_406() -> None:
    response = await ask("{ hello }", accept="application/xml")
    assert (response.status, response.code()) == (406, "BAD_USER_INPUT")


async def test_every_response_names_its_request() -> None:
    endpoint = create().endpoint
    named = await post(endpoint, {"query": "{ facts { requestId } }"}, x_request_id="order-app-12345678")
    assert named.headers["x-request-id"] == "order-app-12345678"
    assert named.json()["data"]["facts"]["requestId"] == "order-app-12345678"
    for response in (
        await post(endpoint, {"query": "{"}, x_request_id="<script>"),
        await request(endpoint, "OPTIONS"),
        await request(endpoint, "PUT"),
    ):
        assert len(response.headers["x-request-id"]) == 32


async def test_an_allowed_origin_may_read_and_another_may_not() -> None:
    endpoint = create().endpoint
    allowed = await post(endpoint, {"query": "{ hello }"}, origin=ORIGIN)
    foreign = await post(endpoint, {"query": "{ hello }"}, origin="https://shop.example.evil")
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert "Idempotency-Replayed" in allowed.headers["access-control-expose-headers"]
    assert foreign.status == 200
    assert "access-control-allow-origin" not in foreign.headers
    assert "Origin" in allowed.headers["vary"]
    assert "Origin" in foreign.headers["vary"]


async def test_a_preflight_names_what_may_be_sent() -> None:
    headers = {"origin": ORIGIN, "access-control-request-method": "POST"}
    response = await request(create().endpoint, "OPTIONS", headers=headers)
    assert (response.status, response.headers["access-control-allow-methods"]) == (204, "GET, POST")
    assert "Idempotency-Key" in response.headers["access-control-allow-headers"]
    foreign = await request(create().endpoint, "OPTIONS", headers={**headers, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers


async def test_the_idempotency_key_of_a_mutation_must_be_of_form() -> None:
    endpoint = create().endpoint
    good = await post(endpoint, {"query": "mutation { write }"}, idempotency_key="k-1")
    bad = await post(endpoint, {"query": "mutation { write }"}, idempotency_key="with space", accept=NEWER)
    ignored = await post(endpoint, {"query": "{ hello }"}, idempotency_key="with space")
    assert good.json() == {"data": {"write": "k-1"}}
    assert (bad.status, bad.code()) == (400, "IDEMPOTENCY_KEY_INVALID")
    assert ignored.status == 200


async def test_what_happened_is_observed() -> None:
    harness = create()
    await post(harness.endpoint, {"query": "query Greeting { hello }"}, x_client_name="shop", x_client_version="1.2")
    await post(harness.endpoint, {"query": "{ bug }"})
    await post(harness.endpoint, {"query": "{"}, accept=NEWER)
    first, second, third = harness.observed
    assert first.request.operation is not None
    assert (first.request.operation.name, first.outcome, first.status) == ("Greeting", "ok", 200)
    assert (first.request.client_name, first.request.client_version) == ("shop", "1.2")
    assert (second.outcome, second.status) == ("INTERNAL", 200)
    assert (third.outcome, third.status, third.request.operation) == ("GRAPHQL_PARSE_FAILED", 400, None)
