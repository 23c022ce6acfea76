"""Documents: parsed, validated once, cached, and chosen from by name."""

from hashlib import sha256

import pytest
import strawberry

from matapalo.errors import BadUserInput, ValidationFailed
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


def documents() -> Documents:
    return Documents(SCHEMA, LIMITS)


def test_an_operation_has_its_source_hash_name_and_kind() -> None:
    operation = documents().find("query A { number }", None)
    assert (operation.name, operation.kind, operation.source) == ("A", "query", "query A { number }")
    assert operation.id == sha256(b"query A { number }").hexdigest()


def test_the_same_source_is_parsed_and_validated_once() -> None:
    cache = documents()
    assert cache.find("{ number }", None) is cache.find("{ number }", None)


def test_the_least_recently_used_document_is_evicted_first() -> None:
    cache = Documents(SCHEMA, LIMITS, max_characters=60)
    first = cache.find("query First { number }", None)
    second = cache.find("query Second { number }", None)
    assert cache.find("query First { number }", None) is first
    cache.find("query Third { number }", None)
    assert cache.find("query First { number }", None) is first
    assert cache.find("query Second { number }", None) is not second


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


def test_every_flaw_has_its_location() -> None:
    with pytest.raises(ValidationFailed) as refused:
        documents().find("{\n  nothing\n  neither\n}", None)
    assert [flaw.locations for flaw in refused.value.flaws] == [((2, 3),), ((3, 3),)]


def test_a_refused_document_is_not_kept() -> None:
    cache = Documents(SCHEMA, LIMITS, max_characters=30)
    good = cache.find("{ number }", None)
    for index in range(20):
        with pytest.raises(ValidationFailed):
            cache.find(f"{{ nothing{index} }}", None)
    assert cache.find("{ number }", None) is good
