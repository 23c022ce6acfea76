"""Documents: what the armour lets through, what it refuses and how fast, and that each is validated once."""

import time
from hashlib import sha256

import pytest
import strawberry
from graphql import get_introspection_query

from matapalo.errors import BadUserInput, BffError, ParseFailed, RequestTooLarge, ValidationFailed
from matapalo.operations.document import Documents, Limits


@strawberry.type
class Query:
    @strawberry.field
    def me(self) -> "Query":
        return self

    @strawberry.field
    def number(self, of: list[int] | None = None) -> int:
        return 1


SCHEMA = strawberry.Schema(query=Query)
LIMITS = Limits(tokens=400, depth=5, aliases=4, root_fields=6, directives=4, introspection=True)
BOMB = "{...F0} " + " ".join(f"fragment F{i} on Query{{me{{...F{i + 1} ...F{i + 1}}}}}" for i in range(11))


def documents(limits: Limits = LIMITS) -> Documents:
    return Documents(SCHEMA, limits)


def test_an_operation_knows_its_source_its_hash_its_name_and_its_kind() -> None:
    found = documents().find("query A { number }", None)
    assert (found.name, found.kind, found.source) == ("A", "query", "query A { number }")
    assert found.id == sha256(b"query A { number }").hexdigest()


def test_the_same_source_is_parsed_and_validated_once() -> None:
    kept = documents()
    assert kept.find("{ number }", None) is kept.find("{ number }", None)


def test_the_least_recently_used_document_is_forgotten_first() -> None:
    kept = Documents(SCHEMA, LIMITS, max_characters=60)
    first = kept.find("query First { number }", None)
    second = kept.find("query Second { number }", None)
    assert kept.find("query First { number }", None) is first
    kept.find("query Third { number }", None)
    assert kept.find("query First { number }", None) is first
    assert kept.find("query Second { number }", None) is not second


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        ("query A { number } query B { number }", "B", "B"),
        ("query A { number }", None, "A"),
    ],
)
def test_the_operation_name_chooses(source: str, name: str | None, expected: str) -> None:
    assert documents().find(source, name).name == expected


@pytest.mark.parametrize(
    ("source", "name", "reason"),
    [
        ("query A { number } query B { number }", None, r"several operations \(A, B\)"),
        ("query A { number }", "Z", "'Z' is unknown: the document has A"),
        ("{ number }", "Z", "one without a name"),
    ],
)
def test_a_name_that_chooses_nothing_is_bad_input(source: str, name: str | None, reason: str) -> None:
    with pytest.raises(BadUserInput, match=reason):
        documents().find(source, name)


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
    begun = time.process_time()
    with pytest.raises(error, match=reason):
        documents().find(source, None)
    assert time.process_time() - begun < 0.5


def test_a_document_that_is_costly_to_validate_within_the_limits_is_given_up_soon() -> None:
    wide = "{me{" + "number " * 110 + "} " + ("me{" + "number " * 90 + "}") * 18 + "}"
    begun = time.process_time()
    with pytest.raises(ValidationFailed, match="selects the same fields too often"):
        documents(Limits()).find(wide, None)
    assert time.process_time() - begun < 1.0


def test_every_flaw_is_told_with_its_place() -> None:
    with pytest.raises(ValidationFailed) as refused:
        documents().find("{\n  nothing\n  neither\n}", None)
    assert [flaw.locations for flaw in refused.value.flaws] == [((2, 3),), ((3, 3),)]


def test_the_introspection_query_of_graphiql_passes_the_default_limits() -> None:
    query = get_introspection_query(
        descriptions=True, specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True
    )
    assert documents(Limits(introspection=True)).find(query, None).kind == "query"


@pytest.mark.parametrize("source", ["{ __schema { queryType { name } } }", '{ __type(name: "Query") { name } }'])
def test_introspection_can_be_off(source: str) -> None:
    with pytest.raises(ValidationFailed, match="Introspection is off here"):
        documents(Limits(introspection=False)).find(source, None)


def test_where_introspection_is_off_errors_suggest_no_names_and_typename_works() -> None:
    closed = documents(Limits(introspection=False))
    assert closed.find("{ __typename }", None).kind == "query"
    with pytest.raises(ValidationFailed) as refused:
        closed.find("{ numbers }", None)
    assert "Did you mean" not in refused.value.message


def test_a_refused_document_is_not_kept() -> None:
    kept = Documents(SCHEMA, LIMITS, max_characters=30)
    good = kept.find("{ number }", None)
    for index in range(20):
        with pytest.raises(ValidationFailed):
            kept.find(f"{{ nothing{index} }}", None)
    assert kept.find("{ number }", None) is good
