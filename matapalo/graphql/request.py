"""One GraphQL request: what its headers say, then what it asks for, then what the pipeline decided about it.

Everything from headers is checked: ids and names that are not of the right form are replaced or dropped, never
forwarded. The members of the body, or of the query string, are checked for their types; members that GraphQL does not
know are ignored, as the specification reserves them. Raises `MalformedRequest`, naming the member and what would be
right. Sources: W3C Trace Context §3.2; GraphQL over HTTP §5 and its persisted-documents draft (`documentId`).
"""

import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from matapalo.graphql.errors import MalformedRequest
from matapalo.operations.document import Operation

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_CANARY = re.compile(r"[a-z0-9-]{1,32}")
_CLIENT = re.compile(r"[ -~]{1,64}")
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{2,45}")
_MAX_QUERY_STRING_FIELDS = 50
_EMPTY: Mapping[Any, Any] = {}


@dataclass(slots=True, kw_only=True)
class GraphQLRequest:
    """One HTTP request, or one operation of a WebSocket. Resolvers see it as ``info.context.request``.

    Times are on the clock's monotonic scale; ``deadline_s`` is infinite for a subscription, whose resolvers set their
    own. ``client_ip`` is the address the edge vouches for. ``headers`` have lower-case names.
    ``query`` is None for a persisted operation, which ``document_id`` or ``extensions["persistedQuery"]`` names;
    ``operation`` is None until it has been found.
    ``idempotency_keys`` has the key of each root field of a mutation by its response name, None without.
    """

    request_id: str
    traceparent: str
    client_ip: str
    started_s: float = 0.0
    method: str = "POST"
    path: str = "/graphql"
    query_string: bytes = b""
    headers: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    client_name: str | None = None
    client_version: str | None = None
    canary: str | None = None
    query: str | None = None
    document_id: str | None = None
    operation_name: str | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    extensions: Mapping[str, object] = field(default_factory=dict)
    operation: Operation | None = None
    idempotency_keys: Mapping[str, str | None] = field(default_factory=dict)
    deadline_s: float = math.inf

    @classmethod
    def from_scope(cls, scope: Mapping[str, Any], started_s: float) -> "GraphQLRequest":
        """Read an ASGI scope. Of a header sent twice the last one counts, but two different keys are no key."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if b"idempotency-key" in headers:
            keys = [value for name, value in scope["headers"] if name == b"idempotency-key"]
            if len(set(keys)) > 1:
                headers[b"idempotency-key"] = b", ".join(keys)  # RFC 9110 §5.2: and not of the form of a key
        traceparent = _matching(_TRACEPARENT, headers.get(b"traceparent")) or _new_traceparent()
        return cls(
            request_id=_matching(_REQUEST_ID, headers.get(b"x-request-id")) or traceparent[3:35],
            traceparent=traceparent,
            client_ip=_client_ip(headers.get(b"x-forwarded-for"), scope.get("client")),
            started_s=started_s,
            method=scope.get("method", "GET"),
            path=scope["path"],
            query_string=scope["query_string"],
            headers=headers,
            client_name=_matching(_CLIENT, headers.get(b"x-client-name")),
            client_version=_matching(_CLIENT, headers.get(b"x-client-version")),
            canary=_matching(_CANARY, headers.get(b"x-canary")),
            variables=_EMPTY,
            extensions=_EMPTY,
            idempotency_keys=_EMPTY,
        )

    def next_operation(self, started_s: float) -> "GraphQLRequest":
        """The next operation of the same WebSocket, with an id and a trace of its own."""
        traceparent = _new_traceparent()
        return GraphQLRequest(
            request_id=traceparent[3:35],
            traceparent=traceparent,
            client_ip=self.client_ip,
            started_s=started_s,
            headers=self.headers,
            client_name=self.client_name,
            client_version=self.client_version,
            canary=self.canary,
        )

    def header(self, name: bytes) -> str | None:
        """A header as text; None when it is absent."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def forwarded_headers(self) -> dict[str, str]:
        """The headers every REST call of this request carries, identity aside."""
        headers = {"x-request-id": self.request_id, "traceparent": self.traceparent}
        optional = {
            "x-canary": self.canary,
            "x-client-name": self.client_name,
            "x-client-version": self.client_version,
        }
        return headers | {name: value for name, value in optional.items() if value is not None}

    def read_body(self, body: bytes) -> None:
        """Take the members of a JSON body."""
        self.read_members(_json(body, "The body"))

    def read_query_string(self) -> None:
        """Take the members of the query string, where ``variables`` and ``extensions`` are JSON text."""
        try:
            fields = parse_qsl(
                self.query_string.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_MAX_QUERY_STRING_FIELDS,
            )
        except ValueError as error:
            raise MalformedRequest(f"The query string cannot be read as UTF-8 text: {error}") from None
        members: dict[str, Any] = dict(fields)
        for name in ("variables", "extensions"):
            if text := members.pop(name, None):
                members[name] = _json(text.encode(), name)
        self.read_members(members)

    def read_members(self, members: object) -> None:
        """Take the members of parsed JSON: a body, or the payload of a WebSocket's ``subscribe``."""
        if isinstance(members, list):
            raise MalformedRequest("Batching is not supported: send one operation per request, as a JSON object")
        if not isinstance(members, dict):
            raise MalformedRequest(f"The body is {_kind(members)}: send a JSON object with the member 'query'")
        self.query = _text(members, "query")
        self.document_id = _text(members, "documentId") or None
        self.operation_name = _text(members, "operationName") or None
        self.variables = _object(members, "variables")
        self.extensions = _object(members, "extensions")
        if not self.query and self.document_id is None and "persistedQuery" not in self.extensions:
            raise MalformedRequest("query is missing: send a GraphQL document, or the hash of a persisted operation")


def _new_traceparent() -> str:
    """A trace of our own: version 00, sampled."""
    digits = secrets.token_hex(24)
    return f"00-{digits[:32]}-{digits[32:]}-01"


def _matching(form: re.Pattern[str], value: bytes | None) -> str | None:
    if value is None:
        return None
    text = value.decode("latin-1")
    return text if form.fullmatch(text) else None


def _client_ip(forwarded: bytes | None, peer: tuple[str, int] | None) -> str:
    """Exactly one hop is trusted: the last address, which the edge itself wrote."""
    if forwarded is not None:
        last = forwarded.decode("latin-1").rpartition(",")[2].strip()
        if _ADDRESS.fullmatch(last):
            return last
    return peer[0] if peer else "unknown"


def _json(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MalformedRequest(f"{what} is not JSON in UTF-8: {error}") from None


def _text(members: dict[str, Any], name: str) -> str | None:
    value = members.get(name)
    if value is None or isinstance(value, str):
        return value
    raise MalformedRequest(f"{name} is {_kind(value)}: it must be a string")


def _object(members: dict[str, Any], name: str) -> dict[str, object]:
    value = members.get(name)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise MalformedRequest(f"{name} is {_kind(value)}: it must be a JSON object")


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {str: "a string", bool: "a boolean", list: "an array", dict: "an object"}
    return names.get(type(value), "a number")
