"""The manifest of a client's operations: what `schema/operations/<client>.manifest.json` holds, built and read.

Its shape is Apollo's persisted-query manifest, so that client build tools can read and write it:
``{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id", "name", "type", "body"}]}``.
An ``id`` is the lower-case hex SHA-256 of ``body``, and a body is a file of `schema/operations/<client>/` as it is
(``sha256sum Home.graphql`` prints the id). One file is one named operation with its fragments. An operation that a
released app sends lives as long as its file does: keep it under another name (`Home.v1.graphql`) when it changes.

Raises `ManifestError`, naming the file or the operation.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from matapalo.errors import RequestError
from matapalo.operations.document import Documents, OperationKind

FORMAT = "apollo-persisted-query-manifest"
VERSION = 1


class ManifestError(ValueError):
    """A manifest, or a file it is built from, cannot be used."""


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    name: str
    type: OperationKind
    body: str


def build(folder: Path, documents: Documents) -> bytes:
    """The manifest of every ``*.graphql`` below ``folder``, validated by ``documents``: the same bytes each time."""
    files = sorted(folder.rglob("*.graphql"))
    entries = sorted((_entry(file, documents) for file in files), key=lambda entry: (entry.name, entry.id))
    content = {"format": FORMAT, "version": VERSION, "operations": [asdict(entry) for entry in entries]}
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read(path: Path) -> list[Entry]:
    """The entries of the manifest at ``path``, each with the hash that its body has."""
    try:
        content = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise ManifestError(f"{path} does not exist: `matapalo operations build` writes it") from None
    except orjson.JSONDecodeError as error:
        raise ManifestError(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("version") != VERSION:
        raise ManifestError(f"{path} is not a manifest: its format must be {FORMAT!r}, its version {VERSION}")
    return list(_entries(path, content.get("operations", [])))


def _entries(path: Path, operations: list[dict[str, Any]]) -> Iterable[Entry]:
    for operation in operations:
        try:
            entry = Entry(**operation)
        except TypeError:
            raise ManifestError(f"{path}: an operation must have exactly id, name, type and body") from None
        if entry.id != sha256(entry.body.encode()).hexdigest():
            raise ManifestError(f"{path}: the id of {entry.name} is not the SHA-256 of its body")
        yield entry


def _entry(file: Path, documents: Documents) -> Entry:
    body = file.read_bytes().decode()
    try:
        operations = documents.read(body)
    except RequestError as error:
        raise ManifestError(f"{file}: {error.message}") from None
    (name, operation), *others = operations.items()
    if others or name is None:
        raise ManifestError(f"{file} must hold exactly one operation, with a name")
    return Entry(operation.id, name, operation.kind, body)
