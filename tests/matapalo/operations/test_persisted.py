"""Who may send what: hashes always, free text where it is allowed, and never two things at once."""

from hashlib import sha256

import pytest
import strawberry

from matapalo.errors import BadUserInput, BffError, OperationNotAllowed, PersistedQueryNotFound
from matapalo.graphql.request import GraphQLRequest
from matapalo.operations.document import Documents
from matapalo.operations.limits import DocumentLimits
from matapalo.operations.manifest import Entry, ManifestError
from matapalo.operations.persisted import PersistedOperations


@strawberry.type
class Query:
    home: str = "home"
    other: str = "other"


DOCUMENTS = Documents(strawberry.Schema(query=Query), DocumentLimits())
HOME = "query Home { home }\n"
FREE = "{ other }"
UNKNOWN = "0" * 64


def hashed(source: str) -> str:
    return sha256(source.encode()).hexdigest()


def operations(*, free_text: bool) -> PersistedOperations:
    return PersistedOperations([Entry(hashed(HOME), "Home", "query", HOME)], DOCUMENTS, free_text=free_text)


def request(
    query: str | None = None, *, apollo: object = None, document_id: str | None = None, name: str | None = None
) -> GraphQLRequest:
    extensions = {} if apollo is None else {"persistedQuery": apollo}
    return GraphQLRequest(
        request_id="test",
        traceparent="",
        client_ip="::1",
        query=query,
        document_id=document_id,
        operation_name=name,
        extensions=extensions,
    )


def apollo(digest: object) -> dict[str, object]:
    return {"version": 1, "sha256Hash": digest}


@pytest.mark.parametrize("free_text", [True, False])
@pytest.mark.parametrize(
    "sent",
    [
        request(apollo=apollo(hashed(HOME))),
        request(apollo=apollo(hashed(HOME).upper())),
        request(document_id=f"sha256:{hashed(HOME)}"),
        request(document_id=hashed(HOME)),
        request(document_id=f"sha256:{hashed(HOME)}", apollo=apollo(hashed(HOME))),
        request(apollo=apollo(hashed(HOME)), name="Home"),
        request(HOME, apollo=apollo(hashed(HOME))),
        request(HOME),
    ],
)
def test_an_operation_of_the_manifest_is_found_in_every_way(free_text: bool, sent: GraphQLRequest) -> None:
    operation = operations(free_text=free_text).find(sent)
    assert (operation.name, operation.id) == ("Home", hashed(HOME))


def test_free_text_is_run_only_where_it_is_allowed() -> None:
    assert operations(free_text=True).find(request(FREE)).source == FREE
    with pytest.raises(OperationNotAllowed):
        operations(free_text=False).find(request(FREE))


def test_free_text_with_its_hash_is_free_text() -> None:
    assert operations(free_text=True).find(request(FREE, apollo=apollo(hashed(FREE)))).source == FREE
    with pytest.raises(OperationNotAllowed):
        operations(free_text=False).find(request(FREE, apollo=apollo(hashed(FREE))))
    with pytest.raises(PersistedQueryNotFound):
        operations(free_text=True).find(request(apollo=apollo(hashed(FREE))))


@pytest.mark.parametrize(
    ("sent", "error", "reason"),
    [
        (request(apollo=apollo(UNKNOWN)), PersistedQueryNotFound, "No operation with this hash"),
        (request(document_id=f"sha256:{UNKNOWN}"), PersistedQueryNotFound, "No operation with this hash"),
        (request(FREE, apollo=apollo(hashed(HOME))), BadUserInput, "not the SHA-256 of the query"),
        (request(apollo=apollo(hashed(HOME)), document_id=UNKNOWN), BadUserInput, "name two operations"),
        (request(apollo=apollo(hashed(HOME)), name="Away"), BadUserInput, "'Away' is unknown"),
        (request(apollo=apollo("abc")), BadUserInput, "64 hexadecimal digits"),
        (request(document_id="Home"), BadUserInput, "64 hexadecimal digits"),
        (request(apollo=apollo(5)), BadUserInput, "persistedQuery must be"),
        (request(apollo={}), BadUserInput, "persistedQuery must be"),
        (request(apollo="x"), BadUserInput, "persistedQuery must be"),
        (request(apollo={"version": 2, "sha256Hash": hashed(HOME)}), BadUserInput, "persistedQuery must be"),
        (request(), PersistedQueryNotFound, "No operation"),
    ],
)
def test_what_names_no_operation_is_refused(sent: GraphQLRequest, error: type[BffError], reason: str) -> None:
    for free_text in (True, False):
        with pytest.raises(error, match=reason):
            operations(free_text=free_text).find(sent)


def test_a_manifest_that_does_not_fit_the_schema_stops_the_start() -> None:
    body = "query Old { removed }"
    with pytest.raises(ManifestError, match="persisted operation Old does not fit the schema: Cannot query field"):
        PersistedOperations([Entry(hashed(body), "Old", "query", body)], DOCUMENTS, free_text=True)


def test_the_names_of_the_manifest_are_known() -> None:
    assert operations(free_text=False).names == {"Home"}
