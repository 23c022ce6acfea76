"""The vocabulary of Envoy's generic matcher (`xds.type.matcher.v3.Matcher`), as small functions.

A *predicate* is a condition on request headers, an *outcome* (`OnMatch`) is what follows: an action or another matcher,
a *matcher* is a list of predicates with outcomes or a map of paths. All regular expressions are RE2 and match in full.
"""

from collections.abc import Mapping, Sequence

from matapalo.strangler.envoy.xds import Json, extension, typed


def equals(header: str, value: str) -> Json:
    """Whether the header is exactly this. False when it is missing."""
    return _single(header, value_match={"exact": value})


def matches(header: str, regex: str) -> Json:
    """Whether the whole header matches the expression. False when it is missing."""
    # `google_re2` is deprecated elsewhere in Envoy, but the xds type refuses to be without it.
    return _single(header, value_match={"safe_regex": {"google_re2": {}, "regex": regex}})


def hash_at_least(header: str, *, threshold: int, modulo: int, seed: int) -> Json:
    """Whether ``xxh64(header, seed) % modulo >= threshold``. ``threshold`` must be below ``modulo``."""
    return _single(
        header,
        custom_match=extension(
            "envoy.matching.matchers.consistent_hashing",
            "envoy.extensions.matching.input_matchers.consistent_hashing.v3.ConsistentHashing",
            threshold=threshold,
            modulo=modulo,
            seed=seed,
        ),
    )


def all_of(*predicates: Json) -> Json:
    """Whether every predicate holds (two or more)."""
    return {"and_matcher": {"predicate": list(predicates)}}


def any_of(*predicates: Json) -> Json:
    """Whether one of the predicates holds (two or more)."""
    return {"or_matcher": {"predicate": list(predicates)}}


def negation(predicate: Json) -> Json:
    return {"not_matcher": predicate}


def when(predicate: Json, then: Json) -> Json:
    return {"predicate": predicate, "on_match": then}


def first(matchers: Sequence[Json], *, otherwise: Json) -> Json:
    """The outcome of the first predicate that holds. With no predicates: ``otherwise``."""
    if not matchers:
        return otherwise
    return {"matcher": {"matcher_list": {"matchers": list(matchers)}, "on_no_match": otherwise}}


def by_path(outcomes: Mapping[str, Json], *, otherwise: Json) -> Json:
    """The outcome of the path that covers the request's, as `matapalo.strangler.routing.route.covers` says, else
    ``otherwise``.

    Paths must not cover one another.
    """
    # The map finds the longest path that the request's `:path` (which has the query) starts with; the predicate behind
    # it rules out `/api/thingsX` for `/api/things`, which then is no match at all.
    covering = {}
    for path, then in outcomes.items():
        longer = (_single(":path", value_match={"prefix": path + mark}) for mark in "/?")
        matchers = [when(any_of(equals(":path", path), *longer), then)]
        covering[path] = {"matcher": {"matcher_list": {"matchers": matchers}}}
    tree = {"input": _header_input(":path"), "prefix_match_map": {"map": covering}}
    return {"matcher": {"matcher_tree": tree, "on_no_match": otherwise}}


def route_action(route: Json) -> Json:
    """The outcome that is a complete `Route`."""
    return {"action": {"name": route["name"], "typed_config": typed("envoy.config.route.v3.Route", **route)}}


def skip_filter() -> Json:
    """The outcome that leaves out the filter wrapped in an `ExtensionWithMatcher`."""
    return {"action": extension("skip", "envoy.extensions.filters.common.matcher.action.v3.SkipFilter")}


def _single(header: str, **match: Json) -> Json:
    return {"single_predicate": {"input": _header_input(header), **match}}


def _header_input(header: str) -> Json:
    return extension(header, "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", header_name=header)
