"""The OpenAPI contract of a service: what FastAPI derives, made exact.

FastAPI cannot say that a list parameter is comma separated, that errors are problem documents, or that identity comes
in headers; `contract` says it. `reads` and `writes` are the declarations endpoints share.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from subgraphs.kit.identity import PUBLIC_PREFIXES
from subgraphs.kit.problem import MEDIA_TYPE, ProblemBody

_DETAIL = {
    400: "The Idempotency-Key is missing or malformed.",
    401: "The caller is anonymous, and this is not public.",
    402: "The card was declined; nothing was charged.",
    403: "The caller's role may not do this.",
    404: "It does not exist, or is not the caller's.",
    409: "The state of the resource does not allow it; nothing was changed.",
    422: "A parameter or member is wrong (`errors[]` names it), or the Idempotency-Key was used for something else.",
    503: "The database does not answer; retry.",
}
_READ_HEADERS = {
    "ETag": {"description": "Strong validator, for If-None-Match.", "schema": {"type": "string"}, "required": True},
    "Cache-Control": {"schema": {"type": "string"}, "required": True},
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "An ETag the caller has; 304 when it is still current.",
    "schema": {"type": "string"},
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _DETAIL[status], "content": content} for status in statuses}


def reads(model: object, *, public: bool = False) -> dict[str, Any]:
    """The declaration every GET shares."""
    refusals = (404, 422, 503) if public else (401, 404, 422, 503)
    return {
        "response_model": model,
        "openapi_extra": {"parameters": [_IF_NONE_MATCH]},
        "responses": {
            200: {"headers": _READ_HEADERS},
            304: {"description": "The caller's copy is current.", "headers": _READ_HEADERS},
            **problems(*refusals),
        },
    }


def writes(model: object, *, status: int = 200, refusals: tuple[int, ...] = ()) -> dict[str, Any]:
    """The declaration every write shares."""
    replayed = {
        "description": "`true` when this repeats an earlier response.",
        "schema": {"type": "string", "enum": ["true"]},
    }
    return {
        "response_model": model,
        "status_code": status,
        "responses": {
            status: {"headers": {"Idempotency-Replayed": replayed}},
            **problems(*sorted({400, 401, 403, 422, 503, *refusals})),
        },
    }


def contract(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of ``app``."""
    document = get_openapi(title=app.title, version="1.0.0", description=app.description, routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= _problem_schemas()
    document["components"]["securitySchemes"] = {
        "subject": {
            "type": "apiKey",
            "in": "header",
            "name": "x-user-id",
            "description": "The calling customer.",
        },
        "role": {"type": "apiKey", "in": "header", "name": "x-role", "description": "customer, operator, …"},
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            public = method == "get" and path.startswith(PUBLIC_PREFIXES)
            # Either header identifies the caller: a role alone is staff, a subject alone is a customer.
            one_of: list[dict[str, list[str]]] = [{"role": []}, {"subject": []}]
            operation["security"] = [{}, *one_of] if public else one_of
            for parameter in operation.get("parameters", ()):
                _make_exact(parameter)
    return document


def _make_exact(parameter: dict[str, Any]) -> None:
    """An absent parameter is absent, never null; a batch is comma separated."""
    schema = parameter["schema"]
    alternatives = schema.pop("anyOf", [])
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    else:
        schema |= next((alternative for alternative in alternatives if alternative != {"type": "null"}), {})
    if parameter.get("description") == schema.get("description"):
        schema.pop("description", None)
    elif "description" in schema:
        parameter["description"] = schema.pop("description")


def _problem_schemas() -> dict[str, Any]:
    schema = TypeAdapter(ProblemBody).json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    schema["title"] = "Problem"
    return {**schema.pop("$defs"), "Problem": schema}
