"""From the bytes of a request to `GraphQLParams`: strict about shapes, pure.

Source: GraphQL over HTTP §5 (request parameters) and its persisted-documents draft (`documentId`). Other members are
ignored, as the specification reserves them. Raises `NotWellFormed`, naming the member and what would be right.
"""

from typing import Any
from urllib.parse import parse_qsl

import orjson

from matapalo.graphql.errors import NotWellFormed
from matapalo.graphql.request import GraphQLParams

_MAX_QUERY_STRING_FIELDS = 50


def params_from_body(body: bytes) -> GraphQLParams:
    """The parameters in a JSON body."""
    return params_from_value(_json(body, "The body"))


def params_from_query_string(query_string: bytes) -> GraphQLParams:
    """The parameters in the query string of a GET, where ``variables`` and ``extensions`` are JSON text."""
    try:
        found: dict[str, Any] = dict(
            parse_qsl(
                query_string.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_MAX_QUERY_STRING_FIELDS,
            )
        )
    except ValueError as error:
        raise NotWellFormed(f"The query string cannot be read as UTF-8 text: {error}") from None
    for name in ("variables", "extensions"):
        if found.get(name):
            found[name] = _json(found[name].encode(), name)
        else:
            found.pop(name, None)
    return params_from_value(found)


def params_from_value(found: object) -> GraphQLParams:
    """The parameters in parsed JSON: a body, or the payload of a WebSocket's ``subscribe``."""
    if isinstance(found, list):
        raise NotWellFormed("Batching is not supported: send one operation per request, as a JSON object")
    if not isinstance(found, dict):
        raise NotWellFormed(f"The body is {_kind(found)}: send a JSON object with the member 'query'")
    params = GraphQLParams(
        query=_text(found, "query"),
        document_id=_text(found, "documentId") or None,
        operation_name=_text(found, "operationName") or None,
        variables=_map(found, "variables"),
        extensions=_map(found, "extensions"),
    )
    if not params.query and params.document_id is None and "persistedQuery" not in params.extensions:
        raise NotWellFormed("query is missing: send a GraphQL document, or the hash of a persisted operation")
    return params


def _json(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotWellFormed(f"{what} is not JSON in UTF-8: {error}") from None


def _text(found: dict[str, Any], name: str) -> str | None:
    value = found.get(name)
    if value is None or isinstance(value, str):
        return value
    raise NotWellFormed(f"{name} is {_kind(value)}: it must be a string")


def _map(found: dict[str, Any], name: str) -> dict[str, object]:
    value = found.get(name)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise NotWellFormed(f"{name} is {_kind(value)}: it must be a JSON object")


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {str: "a string", bool: "a boolean", list: "an array", dict: "an object"}
    return names.get(type(value), "a number")
