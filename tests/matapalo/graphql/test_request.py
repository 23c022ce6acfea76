"""What is taken from headers: ids and names of the right form, the one trusted hop, and nothing else."""

import pytest

from matapalo.graphql.request import GraphQLRequest
from tests.harness.asgi import http_scope

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def request(**headers: str) -> GraphQLRequest:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return GraphQLRequest.from_scope(http_scope("POST", headers=names), 1.0)


def test_a_good_trace_is_forwarded_and_names_the_request() -> None:
    traced = request(traceparent=TRACE)
    assert (traced.traceparent, traced.request_id) == (TRACE, "0af7651916cd43dd8448eb211c80319c")


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "garbage",
        TRACE.upper(),
        TRACE + "-more",
        "ff" + TRACE[2:],
        "00-" + "0" * 32 + TRACE[35:],
        TRACE[:36] + "0" * 16 + "-01",
        TRACE + "\n",
    ],
)
def test_a_trace_of_the_wrong_form_is_replaced(traceparent: str) -> None:
    replaced = request(traceparent=traceparent).traceparent
    assert replaced != traceparent
    assert request(traceparent=replaced).traceparent == replaced


@pytest.mark.parametrize("request_id", ["short", "x" * 65, "with space", "a\r\nb: c-long", "ü" * 10])
def test_a_request_id_of_the_wrong_form_is_replaced(request_id: str) -> None:
    assert len(request(x_request_id=request_id).request_id) == 32


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 2001:db8::1", "2001:db8::1"),
        ("203.0.113.9, <script>", "192.0.2.7"),
        ("", "192.0.2.7"),
    ],
)
def test_only_the_last_hop_is_believed(forwarded: str, expected: str) -> None:
    assert request(x_forwarded_for=forwarded).client_ip == expected


def test_without_a_forwarded_address_it_is_the_peer() -> None:
    assert request().client_ip == "192.0.2.7"
    assert GraphQLRequest.from_scope(http_scope("POST") | {"client": None}, 1.0).client_ip == "unknown"


def test_client_names_of_the_wrong_form_are_dropped() -> None:
    good = request(x_canary="blue-2", x_client_name="shop app", x_client_version="1.2")
    bad = request(x_canary="Blue!", x_client_name="x" * 65, x_client_version="é")
    assert (good.canary, good.client_name, good.client_version) == ("blue-2", "shop app", "1.2")
    assert (bad.canary, bad.client_name, bad.client_version) == (None, None, None)


def test_the_next_operation_has_an_id_and_a_trace_of_its_own() -> None:
    first = request(x_request_id="12345678", traceparent=TRACE)
    second = first.next_operation(2.0)
    assert second.request_id != first.request_id
    assert second.traceparent != first.traceparent
    assert second.started_s == 2.0


@pytest.mark.parametrize(("sent", "read"), [(["k"], "k"), (["k", "k"], "k"), (["k", "other"], "k, other")])
def test_two_different_idempotency_keys_are_no_key(sent: list[str], read: str) -> None:
    scope = http_scope("POST")
    scope["headers"] += [(b"idempotency-key", value.encode()) for value in sent]
    assert GraphQLRequest.from_scope(scope, 1.0).header(b"idempotency-key") == read
