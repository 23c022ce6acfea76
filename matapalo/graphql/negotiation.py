"""Which kind of response a client accepts, and whether its body is one we read. Pure.

Source: GraphQL over HTTP §4 (media types), RFC 9110 §12.5.1 (Accept). ``*/*`` and a missing header mean
``application/json``: clients that know the newer type name it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from matapalo.graphql.errors import UnsupportedMediaType

MediaType = Literal["application/graphql-response+json", "application/json"]

GRAPHQL_RESPONSE: MediaType = "application/graphql-response+json"
JSON: MediaType = "application/json"
EVENT_STREAM = "text/event-stream"
HTML = "text/html"

CONTENT_TYPES: dict[MediaType, bytes] = {
    GRAPHQL_RESPONSE: b"application/graphql-response+json; charset=utf-8",
    JSON: b"application/json; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the client accepts. ``single`` is None when it accepts no JSON response.

    ``stream`` and ``page`` hold only when their types are named: a wildcard never asks for them. ``prefers_stream``:
    more than a single response.
    """

    single: MediaType | None
    stream: bool
    prefers_stream: bool
    page: bool


@lru_cache(maxsize=128)
def accepted_types(accept: str | None) -> Accepted:
    """Read an ``Accept`` header."""
    if accept is None or not accept.strip():
        return Accepted(single=JSON, stream=False, prefers_stream=False, page=False)
    weights = _weights(accept)
    newer = weights.get(GRAPHQL_RESPONSE, 0.0)
    wildcard = weights.get("application/*", weights.get("*/*", 0.0))
    older = weights.get(JSON, wildcard)
    best = max(newer, older)
    stream, page = weights.get(EVENT_STREAM, 0.0), weights.get(HTML, 0.0)
    single = None if best <= 0 else GRAPHQL_RESPONSE if newer >= older else JSON
    return Accepted(
        single=single,
        stream=stream > 0,
        prefers_stream=stream > 0 and stream > best,
        page=page > 0 and page >= best,
    )


@lru_cache(maxsize=128)
def check_body(content_type: str | None, content_encoding: str | None) -> None:
    """Raise `UnsupportedMediaType` for a body that is not plain JSON in UTF-8.

    Refusing `text/plain` and forms is also what keeps cross-site pages out: such a body needs no preflight.
    """
    if content_encoding not in (None, "", "identity"):
        raise UnsupportedMediaType("Content-Encoding is not read here: send the body as it is")
    if content_type is None:
        raise UnsupportedMediaType("Content-Type is missing: send application/json")
    kind, *parameters = [part.strip().lower() for part in content_type.split(";")]
    if kind != "application/json":
        raise UnsupportedMediaType(f"Content-Type {kind[:100]!r} is not read here: send application/json")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8", "us-ascii"):
            raise UnsupportedMediaType(f"{parameter[:100]!r} is not read here: send UTF-8")


def _weights(accept: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for entry in accept.lower().split(",")[:50]:
        kind, *parameters = [part.strip() for part in entry.split(";")]
        weights[kind] = max(weights.get(kind, 0.0), _quality(parameters))
    return weights


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return 0.0
            return quality if 0.0 <= quality <= 1.0 else 0.0
    return 1.0
