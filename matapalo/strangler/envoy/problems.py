"""Envoy's own responses as `application/problem+json` (RFC 9457), as from every service.

One table by status renders all of them: local responses of the routes and of the JWT filter (whose own text becomes the
detail) and failures to reach an upstream (whose text would tell addresses, so it does not).
"""

from typing import NamedTuple

from matapalo.strangler.envoy.xds import Json, extension, set_header

_LOCAL_BODY = "%LOCAL_REPLY_BODY%"


class _Problem(NamedTuple):
    slug: str
    title: str
    detail: str


_PROBLEMS = {
    400: _Problem("bad-request", "The request is malformed", "The path or the headers are not acceptable."),
    401: _Problem("unauthenticated", "Not authenticated", _LOCAL_BODY),
    403: _Problem("forbidden", "Not allowed", _LOCAL_BODY),
    404: _Problem("not-found", "Not found", _LOCAL_BODY),
    408: _Problem("request-timeout", "The request took too long to arrive", "Send the whole request within a minute."),
    413: _Problem("request-too-large", "The request is too large", "Send a smaller body."),
    431: _Problem("headers-too-large", "The headers are too large", "Send fewer or shorter headers."),
    502: _Problem("bad-gateway", "A service answered nonsense", "Try again later."),
    503: _Problem("service-unavailable", "A service cannot be reached", "Try again later."),
    504: _Problem("service-timeout", "A service did not answer in time", "Try again later."),
}


def local_responses() -> Json:
    """The `local_reply_config` of a listener's connection manager."""
    by_status = (
        {"filter": _status_is(status), "body_format_override": _body(status, problem)}
        for status, problem in _PROBLEMS.items()
    )
    return {"local_reply_config": {"mappers": [_BAD_TOKEN, *by_status]}}


def local_response(name: str, status: int, detail: str) -> Json:
    """A route with a direct response; `local_responses` renders ``detail`` as a problem."""
    return {
        "name": name,
        "match": {"prefix": "/"},
        "direct_response": {"status": status, "body": {"inline_string": detail}},
    }


def _status_is(status: int) -> Json:
    value = {"default_value": status, "runtime_key": f"matapalo.local_reply.{status}"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}


def _body(status: int, problem: _Problem) -> Json:
    return {
        "content_type": "application/problem+json",
        "json_format": {
            "type": f"/problems/{problem.slug}",
            "title": problem.title,
            "status": status,
            "detail": problem.detail,
        },
    }


_BAD_TOKEN: Json = {
    # To Envoy's filters a token for another audience and one that our rules deny are 403; to us both are bad tokens.
    "filter": {
        "and_filter": {
            "filters": [
                _status_is(403),
                {
                    "extension_filter": extension(
                        "envoy.access_loggers.extension_filters.cel",
                        "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                        expression='response.code_details.matches("^(jwt_authn_access_denied|rbac_access_denied)")',
                    )
                },
            ]
        }
    },
    "status_code": 401,
    "body": {"inline_string": "The token is not acceptable: send another, or none."},
    "body_format_override": _body(401, _PROBLEMS[401]),
    "headers_to_add": [set_header("www-authenticate", 'Bearer error="invalid_token"')],
}
