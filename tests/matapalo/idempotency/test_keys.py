"""Idempotency keys as clients send them: which belongs to which field, and what is refused before anything runs."""

from typing import Any

import pytest

from matapalo.errors import BffError, IdempotencyKeyInvalid, IdempotencyKeyMissing
from matapalo.idempotency.keys import KeyReader, parse_key
from matapalo.operations.document import Documents
from matapalo.operations.limits import DocumentLimits
from tests.matapalo.idempotency.harness import SCHEMA

DOCUMENTS = Documents(SCHEMA, DocumentLimits(introspection=True))
READ = KeyReader(SCHEMA)


def keys(query: str, header: str | None = None, **variables: Any) -> dict[str, str | None]:
    return dict(READ(DOCUMENTS.find(query, None), variables, header))


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ('"8e03978e"', "8e03978e"),
        ('"', '"'),
        ("k" * 255, "k" * 255),
    ],
)
def test_a_key_is_taken_bare_or_in_quotes(header: str, key: str):
    assert parse_key(header) == key


@pytest.mark.parametrize("header", ["", '""', "a b", "tab\t", "naïve", "k" * 256, "new\nline"])
def test_a_malformed_key_is_refused(header: str):
    with pytest.raises(IdempotencyKeyInvalid):
        parse_key(header)


@pytest.mark.parametrize(
    ("query", "header", "expected"),
    [
        ("mutation { pay(amount: 1) { id } }", "k", {"pay": "k"}),
        ("mutation { pay(amount: 1) { id } }", '"k"', {"pay": "k"}),
        ('mutation { pay(amount: 1) @idempotent(key: "d") { id } }', None, {"pay": "d"}),
        ('mutation { pay(amount: 1) @idempotent(key: "k") { id } }', "k", {"pay": "k"}),
        ('mutation { p: pay(amount: 1) @idempotent(key: "d") { id } }', None, {"p": "d"}),
        ("mutation { tip { id } }", None, {"tip": None}),
        ("mutation { plain }", "k", {"plain": "k"}),
        ("mutation { a: pay(amount: 1) { id } b: pay(amount: 2) { id } }", "k", {"a": "k/a", "b": "k/b"}),
        (
            'mutation { a: pay(amount: 1) @idempotent(key: "1") { id } b: tip @idempotent(key: "2") { id } c: plain }',
            None,
            {"a": "1", "b": "2", "c": None},
        ),
        ("mutation { ...f } fragment f on Mutation { pay(amount: 1) { id } }", "k", {"pay": "k"}),
        ("mutation { ... on Mutation { pay(amount: 1) { id } } }", "k", {"pay": "k"}),
        ("mutation { pay(amount: 1) { id } pay(amount: 1) { amount } }", "k", {"pay": "k"}),
        ("mutation { tip { id } pay(amount: 1) @skip(if: true) { id } }", None, {"tip": None}),
        ("mutation { tip { id } ... @include(if: false) { pay(amount: 1) { id } } }", None, {"tip": None}),
        ("{ hello }", "not a key", {}),
        ('{ hello @idempotent(key: "not a key") }', None, {}),
    ],
)
def test_every_root_field_has_the_key_that_was_sent_for_it(query: str, header: str | None, expected: Any):
    assert keys(query, header) == expected


@pytest.mark.parametrize(
    ("query", "header", "error"),
    [
        ("mutation { pay(amount: 1) { id } }", None, IdempotencyKeyMissing),
        ("mutation { tip { id } pay(amount: 1) { id } }", None, IdempotencyKeyMissing),
        ('mutation { tip @idempotent(key: "1") { id } wire(amount: 1) { id } }', None, IdempotencyKeyMissing),
        ("mutation { pay(amount: 1) { id } }", "two words", IdempotencyKeyInvalid),
        ("mutation { pay(amount: 1) { id } }", "", IdempotencyKeyInvalid),
        ("mutation { tip { id } }", "k" * 256, IdempotencyKeyInvalid),
        ('mutation { pay(amount: 1) @idempotent(key: "") { id } }', None, IdempotencyKeyInvalid),
        ('mutation { pay(amount: 1) @idempotent(key: "d") { id } }', "k", IdempotencyKeyInvalid),
        ('mutation { plain @idempotent(key: "d") }', None, IdempotencyKeyInvalid),
        (
            'mutation { pay(amount: 1) @idempotent(key: "1") { id } pay(amount: 1) @idempotent(key: "2") { amount } }',
            None,
            IdempotencyKeyInvalid,
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_repeated_safely_is_refused(query: str, header: str | None, error: type[BffError]):
    with pytest.raises(error):
        keys(query, header)


def test_a_key_may_be_a_variable():
    query = "mutation ($k: String!, $on: Boolean!) { pay(amount: 1) @idempotent(key: $k) @include(if: $on) { id } }"
    assert keys(query, k="v", on=True) == {"pay": "v"}
    assert keys(query, k="v", on=False) == {}


def test_variables_of_the_wrong_type_are_left_to_the_executor():
    assert keys("mutation ($n: Int!) { pay(amount: $n) { id } }", n="many") == {}
