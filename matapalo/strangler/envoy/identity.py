"""The caller's identity on the edge listener: its own identity headers are dropped, its token's claims replace them."""

from collections.abc import Iterable

from matapalo.auth.key_source import InlineKeys, KeySource
from matapalo.auth.verifier import AUDIENCE, MAX_LIFETIME_S
from matapalo.strangler.envoy import match
from matapalo.strangler.envoy.clusters import JWKS_CLUSTER
from matapalo.strangler.envoy.xds import Json, extension

CLAIMED_HEADERS = {"x-user-id": "sub", "x-role": "role", "x-tier": "tier", "x-cohort": "cohort"}
SUBJECT = "[A-Za-z0-9_.@:-]{1,128}"
CANARY = "[a-z0-9-]{1,32}"


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
    """Where the edge serves a client's GraphQL."""
    return f"/{client}/graphql"


def verify_token(keys: KeySource, *, issuer: str, clients: Iterable[str]) -> Json:
    """The JWT filter: on GraphQL paths the BFF decides about a bad or missing token, on `/api` a bad one is 401.

    A missing token passes here also on `/api`: the routes decide about it (`matapalo.strangler.envoy.edge`).
    """
    provider = {
        "issuer": issuer,
        "audiences": [AUDIENCE],
        "subjects": {"safe_regex": {"regex": SUBJECT}},
        "require_expiration": True,
        "max_lifetime": f"{MAX_LIFETIME_S}s",
        # Named, because by default Envoy would also take a token from the query, where it ends up in logs.
        "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
        "forward": True,
        "jwt_cache_config": {"jwt_cache_size": 2_000},  # spares the signature; the times are checked again
        "claim_to_headers": [{"header_name": header, "claim_name": claim} for header, claim in CLAIMED_HEADERS.items()],
        "clear_route_cache": True,  # the route is chosen again, by the headers just set
        **_key_source(keys),
    }
    return extension(
        "envoy.filters.http.jwt_authn",
        "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        providers={"token": provider},
        rules=[
            *(_rule(graphql_path(client), unless="allow_missing_or_failed") for client in clients),
            _rule("/api", unless="allow_missing"),
        ],
    )


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
