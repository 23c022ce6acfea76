"""From failures and results to statuses, codes and bytes."""

from decimal import Decimal

import pytest
from graphql import ExecutionResult, GraphQLError

from matapalo.errors import (
    BadUserInput,
    BffError,
    Flaw,
    Overloaded,
    PersistedQueryNotFound,
    RequestTooLarge,
    Unauthenticated,
    ValidationFailed,
)
from matapalo.graphql.errors import MalformedRequest
from matapalo.graphql.negotiation import GRAPHQL_RESPONSE, JSON
from matapalo.graphql.response import encode, response_to_error, response_to_result

NEWER, OLDER = GRAPHQL_RESPONSE, JSON


@pytest.mark.parametrize(
    ("error", "newer", "older"),
    [
        (BadUserInput("x"), 400, 200),
        (ValidationFailed("x"), 400, 200),
        (Unauthenticated("x"), 401, 200),
        (PersistedQueryNotFound("x"), 404, 200),
        (Overloaded("x"), 503, 200),
        (MalformedRequest("x"), 400, 400),
        (RequestTooLarge("x"), 413, 413),
        (RuntimeError("x"), 500, 200),
        (TimeoutError(), 504, 200),
    ],
)
def test_a_failure_has_its_status(error: Exception, newer: int, older: int) -> None:
    response = response_to_error(error)
    assert [response.status_in(kind, denial_statuses=False) for kind in (NEWER, OLDER)] == [newer, older]
    assert "data" not in response.payload


def test_an_extensions_refusal_has_its_status_and_retry_after() -> None:
    cause = Overloaded("too much", retry_after_s=2.4)
    result = ExecutionResult(data=None, errors=[GraphQLError("too much", original_error=cause)])
    response = response_to_result(result)
    assert (response.status, response.outcome, response.headers) == (503, "OVERLOADED", {"retry-after": "3"})
    assert "data" not in response.payload


def test_the_cause_is_found_below_wrapped_errors() -> None:
    inner = GraphQLError("inner", original_error=BffError("really"), path=["a"])
    response = response_to_result(
        ExecutionResult(data={"a": None}, errors=[GraphQLError("outer", path=["a"], original_error=inner)])
    )
    assert response.payload["errors"][0]["message"] == "really"


def test_every_flaw_of_a_document_is_an_error_with_its_place() -> None:
    response = response_to_error(ValidationFailed("x", flaws=[Flaw("one", ((1, 2),)), Flaw("two")]))
    assert response.payload["errors"] == [
        {
            "message": "one",
            "locations": [{"line": 1, "column": 2}],
            "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
        },
        {"message": "two", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}},
    ]


def test_details_of_an_error_are_extensions() -> None:
    response = response_to_error(BadUserInput("x", field="first", value=500))
    assert response.payload["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "field": "first", "value": 500}


def test_extensions_of_a_result_are_kept() -> None:
    assert response_to_result(ExecutionResult(data={"a": 1}, errors=None, extensions={"cost": 3})).payload == {
        "data": {"a": 1},
        "extensions": {"cost": 3},
    }


def test_decimals_become_text_and_other_values_are_refused() -> None:
    assert encode({"a": Decimal("1.10")}) == b'{"a":"1.10"}'
    with pytest.raises(TypeError):
        encode({"a": object()})
