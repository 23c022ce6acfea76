"""Which operation a request means: one of the manifest by its hash, or free text where that is allowed.

A hash comes as ``extensions.persistedQuery.sha256Hash`` (Apollo's shape) or as ``documentId`` (``sha256:<hex>``; the
persisted-documents draft of GraphQL over HTTP). Every operation of the manifest is parsed and validated when the
process starts. Nothing is registered on the way: a client that sends an unknown hash and then hash and text (Apollo's
automatic persisted queries) gets its result, and the text counts as free text.

``ids_only`` takes no text at all. Otherwise, where free text is refused, the exact text of a manifest operation is
still taken: it is the same operation, sent the long way, and costs no more than its hash.

Raises `PersistedQueryNotFound`, `OperationNotAllowed`, `BadUserInput`, and what `Documents.find` raises.
"""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Protocol

from matapalo.errors import BadUserInput, OperationNotAllowed, PersistedQueryNotFound, RequestError
from matapalo.operations.document import Documents, Operation, choose
from matapalo.operations.manifest import Entry, ManifestError

_SHA256 = re.compile(r"[0-9a-f]{64}")


class OperationRequest(Protocol):
    """What is read of a request (`matapalo.graphql.request.GraphQLRequest`). Its types have been checked."""

    @property
    def query(self) -> str | None: ...

    @property
    def document_id(self) -> str | None: ...

    @property
    def operation_name(self) -> str | None: ...

    @property
    def extensions(self) -> Mapping[str, object]: ...


class PersistedOperations:
    """The operations of one client. Building it raises `ManifestError` when one does not fit the schema."""

    def __init__(
        self, entries: Iterable[Entry], documents: Documents, *, free_text: bool, ids_only: bool = False
    ) -> None:
        self._documents = documents
        self._free_text = free_text
        self._ids_only = ids_only
        self._operations_by_hash = {entry.id: _validated(entry, documents) for entry in entries}
        self.all = [operation for by_name in self._operations_by_hash.values() for operation in by_name.values()]
        self.names = frozenset(operation.name for operation in self.all if operation.name is not None)

    def find(self, request: OperationRequest) -> Operation:
        """The operation that ``request`` names or spells out."""
        digest = _hash_of(request)
        if not request.query:
            operations = self._operations_by_hash.get(digest or "")
            if operations is None:
                raise PersistedQueryNotFound("No operation with this hash is known here")
            return choose(operations, request.operation_name)
        if self._ids_only:
            raise OperationNotAllowed("Only ids of persisted operations are taken here: leave the text out")
        if digest is not None and digest != _sha256_of(request.query):
            raise BadUserInput("The hash is not the SHA-256 of the query that came with it")
        if self._free_text:
            return self._documents.find(request.query, request.operation_name)
        operations = self._operations_by_hash.get(_sha256_of(request.query))
        if operations is None:
            raise OperationNotAllowed("Only persisted operations are run here: send the hash of one in the manifest")
        return choose(operations, request.operation_name)


def _hash_of(request: OperationRequest) -> str | None:
    """The hash that the request gives, in one way or in both."""
    digests = {
        digest.removeprefix("sha256:").lower()
        for digest in (_apollo_hash(request.extensions), request.document_id)
        if digest is not None
    }
    if not digests:
        return None
    digest = digests.pop()
    if digests:
        raise BadUserInput("documentId and extensions.persistedQuery name two operations")
    if not _SHA256.fullmatch(digest):
        raise BadUserInput("The hash of a persisted operation must be the 64 hexadecimal digits of a SHA-256")
    return digest


def _apollo_hash(extensions: object) -> str | None:
    member = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    if member is None:
        return None
    digest = member.get("sha256Hash") if isinstance(member, dict) else None
    if not isinstance(member, dict) or not isinstance(digest, str) or member.get("version", 1) != 1:
        raise BadUserInput('extensions.persistedQuery must be {"version": 1, "sha256Hash": "<64 hexadecimal digits>"}')
    return digest


def _sha256_of(source: str) -> str:
    return sha256(source.encode()).hexdigest()


def _validated(entry: Entry, documents: Documents) -> dict[str | None, Operation]:
    try:
        return documents.read(entry.body)
    except RequestError as error:
        raise ManifestError(f"the persisted operation {entry.name} does not fit the schema: {error.message}") from None
