"""Which operation a request means: one of the manifest by its hash, or free text where that is allowed.

A hash comes as ``extensions.persistedQuery.sha256Hash`` (Apollo's shape) or as ``documentId`` (``sha256:<hex>``; the
persisted-documents draft of GraphQL over HTTP). Every operation of the manifest is parsed and validated when the
process starts. Nothing is registered on the way: a client that sends an unknown hash and then hash and text (Apollo's
automatic persisted queries) is answered, and the text counts as free text.

Where free text is refused, the exact text of a manifest operation is still taken: it is the same operation, sent the
long way, and costs no more than its hash.

Raises `PersistedQueryNotFound`, `OperationNotAllowed`, `BadUserInput`, and what `Documents.find` raises.
"""

import re
from collections.abc import Iterable
from hashlib import sha256

from matapalo.errors import BadUserInput, OperationNotAllowed, PersistedQueryNotFound, RequestError
from matapalo.operations.document import Documents, Operation, choose
from matapalo.operations.manifest import Entry, ManifestError
from matapalo.operations.ports import Requested

_SHA256 = re.compile(r"[0-9a-f]{64}")


class PersistedOperations:
    """The operations of one client. Building it raises `ManifestError` when one does not fit the schema."""

    def __init__(self, entries: Iterable[Entry], documents: Documents, *, free_text: bool) -> None:
        self._documents = documents
        self._free_text = free_text
        self._known = {entry.id: _validated(entry, documents) for entry in entries}
        self.all = [operation for operations in self._known.values() for operation in operations.values()]
        self.names = frozenset(name for operations in self._known.values() for name in operations if name is not None)

    def find(self, requested: Requested) -> Operation:
        """The operation that ``requested`` names or spells out."""
        digest = _hash_of(requested)
        if not requested.query:
            known = self._known.get(digest or "")
            if known is None:
                raise PersistedQueryNotFound("No operation with this hash is known here")
            return choose(known, requested.operation_name)
        if digest is not None and digest != _sha256_of(requested.query):
            raise BadUserInput("The hash is not the SHA-256 of the query that came with it")
        if self._free_text:
            return self._documents.find(requested.query, requested.operation_name)
        known = self._known.get(_sha256_of(requested.query))
        if known is None:
            raise OperationNotAllowed("Only persisted operations are run here: send the hash of one in the manifest")
        return choose(known, requested.operation_name)


def _hash_of(requested: Requested) -> str | None:
    """The hash that the request gives, in one way or in both."""
    found = {
        given.removeprefix("sha256:").lower()
        for given in (_apollo_hash(requested.extensions), requested.document_id)
        if given is not None
    }
    if not found:
        return None
    digest = found.pop()
    if found:
        raise BadUserInput("documentId and extensions.persistedQuery name two operations")
    if not _SHA256.fullmatch(digest):
        raise BadUserInput("The hash of a persisted operation must be the 64 hexadecimal digits of a SHA-256")
    return digest


def _apollo_hash(extensions: object) -> str | None:
    given = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    if given is None:
        return None
    digest = given.get("sha256Hash") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(digest, str) or given.get("version", 1) != 1:
        raise BadUserInput('extensions.persistedQuery must be {"version": 1, "sha256Hash": "<64 hexadecimal digits>"}')
    return digest


def _sha256_of(source: str) -> str:
    return sha256(source.encode()).hexdigest()


def _validated(entry: Entry, documents: Documents) -> dict[str | None, Operation]:
    try:
        return documents.read(entry.body)
    except RequestError as error:
        raise ManifestError(f"the persisted operation {entry.name} does not fit the schema: {error.message}") from None
