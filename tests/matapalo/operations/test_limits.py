"""Document limits: what they let through, what they refuse, and how fast."""

import time

import pytest
import strawberry
from graphql import get_introspection_query

from matapalo.errors import BffError, ParseFailed, RequestTooLarge, ValidationFailed
from matapalo.operations.document import Documents
from matapalo.operations.limits import DocumentLimits


@strawberry.type
class Query:
    @strawberry.field
    def me(self) -> "Query":
        return self

    @strawberry.field
    def number(self, of: list[int] | None = None) -> int:
        return 1


SCHEMA = strawberry.Schema(query=Query)
LIMITS = DocumentLimits(tokens=400, depth=5, aliases=4, root_fields=6, directives=4, introspection=True)
BOMB = "{...F0} " + " ".join(f"fragment F{i} on Query{{me{{...F{i + 1} ...F{i + 1}}}}}" for i in range(11))


def documents(limits: DocumentLimits = LIMITS) -> Documents:
    return Documents(SCHEMA, limits)


@pytest.mark.parametrize(
    ("source", "error", "reason"),
    [
        ("", ParseFailed, "Unexpected <EOF>"),
        ("{", ParseFailed, "Expected Name"),
        ('{ number(of: "\\ud800") }', ParseFailed, "Invalid Unicode"),
        ("fragment F on Query { number }", ValidationFailed, "no operation"),
        ("{ nothing }", ValidationFailed, "Cannot query field 'nothing'"),
        ("{" + "number " * 500 + "}", RequestTooLarge, "more than 400 tokens"),
        ("#\n" * 500 + "{ number }", RequestTooLarge, "more than 400 comments"),
        ("{me" * 2000, RequestTooLarge, "more than 400 tokens|nested too deeply"),
        ("{number(of:" + "[" * 390, RequestTooLarge, "nested too deeply"),
        ("{" + "me{" * 6 + "number" + "}" * 7, ValidationFailed, "more than 5 levels of fields"),
        ("{" + "me{" * 30 + "number" + "}" * 31, ValidationFailed, "more than 20 levels of nesting"),
        ("{" + "...{" * 60 + "number" + "}" * 61, ValidationFailed, "more than 20 levels of nesting"),
        ("{number(of:" + "[" * 9 + "1" + "]" * 9 + ")}", ValidationFailed, "more than 5 levels in one argument"),
        ("query($x:" + "[" * 9 + "Int" + "]" * 9 + "){number}", ValidationFailed, r"type of \$x nests too deep"),
        (
            "{" + " ".join(f"a{i}:number" for i in range(5)) + "}",
            ValidationFailed,
            "more than 4 aliases",
        ),
        ("{" + "number " * 7 + "}", ValidationFailed, "more than 6 root fields"),
        ("{number " + "@skip(if:false) " * 5 + "}", ValidationFailed, "more than 4 directives"),
        (BOMB, ValidationFailed, "more than"),
        ("{...A} fragment A on Query{...B} fragment B on Query{...A}", ValidationFailed, "spreads itself"),
        (
            "{...A ...A ...A} fragment A on Query{a:number b:number}",
            ValidationFailed,
            "more than 4 aliases",
        ),
        ("{__schema{types{" + "fields{type{" * 8 + "name" + "}}" * 8 + "}}}", BffError, "."),
    ],
)
def test_a_document_that_asks_for_too_much_is_refused_quickly(source: str, error: type[BffError], reason: str) -> None:
    started = time.process_time()
    with pytest.raises(error, match=reason):
        documents().find(source, None)
    assert time.process_time() - started < 0.5


def test_a_document_costly_to_validate_is_given_up_soon() -> None:
    wide = "{me{" + "number " * 110 + "} " + ("me{" + "number " * 90 + "}") * 18 + "}"
    started = time.process_time()
    with pytest.raises(ValidationFailed, match="selects the same fields too often"):
        documents(DocumentLimits()).find(wide, None)
    assert time.process_time() - started < 1.0


def test_graphiqls_introspection_passes_the_default_limits() -> None:
    query = get_introspection_query(
        descriptions=True, specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True
    )
    assert documents(DocumentLimits(introspection=True)).find(query, None).kind == "query"


@pytest.mark.parametrize("source", ["{ __schema { queryType { name } } }", '{ __type(name: "Query") { name } }'])
def test_introspection_can_be_off(source: str) -> None:
    with pytest.raises(ValidationFailed, match="Introspection is off here"):
        documents(DocumentLimits(introspection=False)).find(source, None)


def test_without_introspection_errors_suggest_no_names() -> None:
    closed = documents(DocumentLimits(introspection=False))
    assert closed.find("{ __typename }", None).kind == "query"
    with pytest.raises(ValidationFailed) as refused:
        closed.find("{ numbers }", None)
    assert "Did you mean" not in refused.value.message
