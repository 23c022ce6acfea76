"""The caller's identity on the edge listener: its own identity headers are dropped, its token's claims replace them.

The twin of the rules in `matapalo.auth`: the JWT filter, and behind it an RBAC filter for what that one cannot check.
"""

from collections.abc import Iterable
from typing import Any

from matapalo.auth.claims import AUDIENCE, COHORT, LEEWAY_S, MAX_LIFETIME_S, ROLES, SUBJECT, TIERS
from matapalo.auth.keys import ALGORITHMS, InlineKeys, KeySource
from matapalo.auth.tokens import AUTHORIZATION, REFUSED_HEADERS, SCHEMES
from matapalo.strangler.envoy import match
from matapalo.strangler.envoy.clusters import JWKS_CLUSTER
from matapalo.strangler.envoy.xds import Json, extension

CLAIMED_HEADERS = {"x-user-id": "sub", "x-role": "role", "x-tier": "tier", "x-cohort": "cohort"}
CANARY = "[a-z0-9-]{1,32}"

_JWT_FILTER = "envoy.filters.http.jwt_authn"
_PAYLOAD, _HEADER = "payload", "header"


def strip_claimed_identity() -> Json:
    """The early mutation: headers that only we may set, and Envoy's own control headers (timeouts, retries)."""
    # Early, because Envoy chooses a route before its filters run: a filter would remove them too late (measured).
    prefixes = ("x-strangler-", "x-envoy-")
    return extension(
        "envoy.http.early_header_mutation.header_mutation",
        "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        mutations=[
            *({"remove": name} for name in CLAIMED_HEADERS),
            *({"remove_on_match": {"key_matcher": {"prefix": prefix}}} for prefix in prefixes),
        ],
    )


def drop_malformed_canary() -> Json:
    """The filter that removes a malformed `x-canary`. A filter will do: no route depends on such a value."""
    removal = extension(
        "envoy.filters.http.header_mutation",
        "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        mutations={"request_mutations": [{"remove": "x-canary"}]},
    )
    well_formed = match.when(match.matches("x-canary", CANARY), match.skip_filter())
    return extension(
        "drop_malformed_canary",
        "envoy.extensions.common.matching.v3.ExtensionWithMatcher",
        extension_config=removal,
        xds_matcher={"matcher_list": {"matchers": [well_formed]}},
    )


def graphql_path(client: str) -> str:
    return f"/{client}/graphql"


def verify_token(keys: KeySource, *, issuer: str, clients: Iterable[str]) -> Json:
    """The JWT filter: on GraphQL paths the BFF decides about a bad or missing token, on `/api` a bad one is 401.

    A missing token passes here also on `/api`: the routes decide about it (`matapalo.strangler.envoy.tables`).
    """
    provider = {
        "issuer": issuer,
        "audiences": [AUDIENCE],
        "subjects": {"safe_regex": {"regex": SUBJECT}},
        "require_expiration": True,
        "max_lifetime": f"{MAX_LIFETIME_S}s",  # from now on, not from `iat`
        "clock_skew_seconds": LEEWAY_S,
        # Named, because by default Envoy would also take a token from the query, where it ends up in logs.
        "from_headers": [{"name": "authorization", "value_prefix": f"{scheme} "} for scheme in SCHEMES],
        "forward": True,
        "jwt_cache_config": {"jwt_cache_size": 2_000},  # spares the signature; the times are checked again
        "claim_to_headers": [{"header_name": header, "claim_name": claim} for header, claim in CLAIMED_HEADERS.items()],
        "payload_in_metadata": _PAYLOAD,
        "header_in_metadata": _HEADER,
        "clear_route_cache": True,  # the route is chosen again, by the headers just set
        **_key_source(keys),
    }
    return extension(
        _JWT_FILTER,
        "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        providers={"token": provider},
        rules=[
            *(_rule(graphql_path(client), unless="allow_missing_or_failed") for client in clients),
            _rule("/api", unless="allow_missing"),
        ],
    )


def deny_bad_tokens() -> Json:
    """The filter behind `verify_token`: on `/api` an `Authorization` header that is no good token is denied.

    For what the JWT filter cannot check: it takes another scheme for a missing token, and does not look at roles.
    """
    is_good = _all_of(
        _header("authorization", string_match=_regex(AUTHORIZATION)),
        _negation(_any_of(*(_metadata(_HEADER, name, _PRESENT) for name in REFUSED_HEADERS))),
        _metadata(_HEADER, "alg", {"string_match": _regex("|".join(ALGORITHMS))}),
        # Envoy's own check overlooks a scheme in front and a slash at the end.
        _any_of(
            _metadata(_PAYLOAD, "aud", _AUDIENCE), _metadata(_PAYLOAD, "aud", {"list_match": {"one_of": _AUDIENCE}})
        ),
        *(
            _any_of(
                _negation(_metadata(_PAYLOAD, claim, _PRESENT)),
                _metadata(_PAYLOAD, claim, {"string_match": _regex(form)}),
            )
            for claim, form in _OPTIONAL_CLAIMS.items()
        ),
    )
    on_api = {"url_path": {"path": {"safe_regex": {"regex": "/api(/.*)?"}}}}
    has_header = _header("authorization", present_match=True)
    policy = {"permissions": [{"any": True}], "principals": [_all_of(on_api, has_header, _negation(is_good))]}
    return extension(
        "envoy.filters.http.rbac",
        "envoy.extensions.filters.http.rbac.v3.RBAC",
        rules={"action": "DENY", "policies": {"bad-token": policy}},
    )


_PRESENT: Json = {"present_match": True}
_AUDIENCE: Json = {"string_match": {"exact": AUDIENCE}}
_OPTIONAL_CLAIMS = {"role": "|".join(ROLES), "tier": "|".join(TIERS), "cohort": COHORT}


def _all_of(*principals: Json) -> Json:
    return {"and_ids": {"ids": list(principals)}}


def _any_of(*principals: Json) -> Json:
    return {"or_ids": {"ids": list(principals)}}


def _negation(principal: Json) -> Json:
    return {"not_id": principal}


def _header(name: str, **condition: Any) -> Json:
    return {"header": {"name": name, **condition}}


def _metadata(part: str, name: str, value: Json) -> Json:
    path = [{"key": part}, {"key": name}]
    return {"sourced_metadata": {"metadata_matcher": {"filter": _JWT_FILTER, "path": path, "value": value}}}


def _regex(regex: str) -> Json:
    return {"safe_regex": {"regex": regex}}


def _rule(path: str, *, unless: str) -> Json:
    requirements = [{"provider_name": "token"}, {unless: {}}]
    return {"match": {"path_separated_prefix": path}, "requires": {"requires_any": {"requirements": requirements}}}


def _key_source(keys: KeySource) -> Json:
    if isinstance(keys, InlineKeys):
        return {"local_jwks": {"inline_string": keys.jwks}}
    return {
        "remote_jwks": {
            "http_uri": {"uri": keys.url, "cluster": JWKS_CLUSTER, "timeout": "2s"},
            "cache_duration": "300s",
            "async_fetch": {},
            "retry_policy": {"num_retries": 3},
        }
    }
