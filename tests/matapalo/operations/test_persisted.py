"""Who may send what: hashes always, free text where it is allowed, and never two things at once."""

from hashlib import sha256

import pytest
import strawberry

from matapalo.errors import BadUserInput, BffError, OperationNotAllowed, PersistedQueryNotFound
from matapalo.graphql.request import GraphQLParams
from matapalo.operations.document import Documents, Limits
from matapalo.operations.manifest import Entry, ManifestError
from matapalo.operations.persisted import PersistedOperations


@strawberry.type
class Query:
    home: str = "home"
    other: str = "other"


DOCUMENTS = Documents(strawberry.Schema(query=Query), Limits())
HOME = "query Home { home }\n"
FREE = "{ other }"
UNKNOWN = "0" * 64


def hashed(source: str) -> str:
    return sha256(source.encode()).hexdigest()


def operations(*, free_text: bool) -> PersistedOperations:
    return PersistedOperations([Entry(hashed(HOME), "Home", "query", HOME)], DOCUMENTS, free_text=free_text)


def params(
    query: str | None = None, *, apollo: object = None, document_id: str | None = None, name: str | None = None
) -> GraphQLParams:
    extensions = {} if apollo is None else {"persistedQuery": apollo}
    return GraphQLParams(query=query, document_id=document_id, operation_name=name, extensions=extensions)


def apollo(digest: object) -> dict[str, object]:
    return {"version": 1, "sha256Hash": digest}


@pytest.mark.parametrize("free_text", [True, False])
@pytest.mark.parametrize(
    "asked",
    [
        params(apollo=apollo(hashed(HOME))),
        params(apollo=apollo(hashed(HOME).upper())),
        params(document_id=f"sha256:{hashed(HOME)}"),
        params(document_id=hashed(HOME)),
        params(document_id=f"sha256:{hashed(HOME)}", apollo=apollo(hashed(HOME))),
        params(apollo=apollo(hashed(HOME)), name="Home"),
        params(HOME, apollo=apollo(hashed(HOME))),
        params(HOME),
    ],
)
def test_an_operation_of_the_manifest_is_found_in_every_way(free_text: bool, asked: GraphQLParams) -> None:
    found = operations(free_text=free_text).find(asked)
    assert (found.name, found.id) == ("Home", hashed(HOME))


def test_free_text_is_run_where_it_is_allowed_and_refused_elsewhere() -> None:
    assert operations(free_text=True).find(params(FREE)).source == FREE
    with pytest.raises(OperationNotAllowed):
        operations(free_text=False).find(params(FREE))


def test_free_text_with_its_hash_is_free_text() -> None:
    assert operations(free_text=True).find(params(FREE, apollo=apollo(hashed(FREE)))).source == FREE
    with pytest.raises(OperationNotAllowed):
        operations(free_text=False).find(params(FREE, apollo=apollo(hashed(FREE))))
    with pytest.raises(PersistedQueryNotFound):
        operations(free_text=True).find(params(apollo=apollo(hashed(FREE))))


@pytest.mark.parametrize(
    ("asked", "error", "reason"),
    [
        (params(apollo=apollo(UNKNOWN)), PersistedQueryNotFound, "No operation with this hash"),
        (params(document_id=f"sha256:{UNKNOWN}"), PersistedQueryNotFound, "No operation with this hash"),
        (params(FREE, apollo=apollo(hashed(HOME))), BadUserInput, "not the SHA-256 of the query"),
        (params(apollo=apollo(hashed(HOME)), document_id=UNKNOWN), BadUserInput, "name two operations"),
        (params(apollo=apollo(hashed(HOME)), name="Away"), BadUserInput, "'Away' is unknown"),
        (params(apollo=apollo("abc")), BadUserInput, "64 hexadecimal digits"),
        (params(document_id="Home"), BadUserInput, "64 hexadecimal digits"),
        (params(apollo=apollo(5)), BadUserInput, "persistedQuery must be"),
        (params(apollo={}), BadUserInput, "persistedQuery must be"),
        (params(apollo="x"), BadUserInput, "persistedQuery must be"),
        (params(apollo={"version": 2, "sha256Hash": hashed(HOME)}), BadUserInput, "persistedQuery must be"),
        (params(), PersistedQueryNotFound, "No operation"),
    ],
)
def test_what_names_no_operation_is_refused(asked: GraphQLParams, error: type[BffError], reason: str) -> None:
    for free_text in (True, False):
        with pytest.raises(error, match=reason):
            operations(free_text=free_text).find(asked)


def test_a_manifest_that_does_not_fit_the_schema_stops_the_start() -> None:
    body = "query Old { removed }"
    with pytest.raises(ManifestError, match="persisted operation Old does not fit the schema: Cannot query field"):
        PersistedOperations([Entry(hashed(body), "Old", "query", body)], DOCUMENTS, free_text=True)


def test_the_names_of_the_manifest_are_known() -> None:
    assert operations(free_text=False).names == {"Home"}
