"""The rules of a table of routes. Every broken rule becomes one sentence: the thing, its value, the next step."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from matapalo.strangler.errors import InvalidRoutes
from matapalo.strangler.routing.route import WHOLE_BP, Route, Side
from matapalo.strangler.routing.share import format_share

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_PREFIX = re.compile(r"/api(/[a-z0-9][a-z0-9-]*)+")
_CANARY = re.compile(r"[a-z0-9-]{1,32}")
_COHORT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_USER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ALPHABET = "1-64 of A-Z, a-z, 0-9, '_', '-'"
MAX_SEED = 2**32 - 1
MAX_USERS = 1_000
MAX_RULES = 20
TIMEOUTS_MS = range(50, 60_001)
MAX_RETRIES = 3
COMPARATOR = "compare"
"""The upstream that a route with a shadow share is mirrored to."""


def validated(routes: Sequence[Route], *, upstreams: Collection[str]) -> Sequence[Route]:
    """The routes themselves, when they are valid. Raises InvalidRoutes with every problem."""
    if problems := [*find_problems(routes, upstreams=upstreams)]:
        raise InvalidRoutes(problems)
    return routes


def find_problems(routes: Sequence[Route], *, upstreams: Collection[str]) -> Iterator[str]:
    """One sentence a broken rule, in the order of the routes."""
    for route in routes:
        yield from _form(route)
        yield from _rules(route)
        yield from _limits(route)
        yield from _references(route, upstreams)
        yield from _write_split(route)
        yield from _decommission(route)
    yield from _between(routes)


def _form(route: Route) -> Iterator[str]:
    where = f"route {route.name!r}"
    if not _NAME.fullmatch(route.name):
        yield f"{where}: the name must be 1-32 of a-z, 0-9 and '-', starting with a-z: rename it"
    if not _PREFIX.fullmatch(route.prefix):
        yield (
            f"{where}: prefix is {route.prefix!r}: write a path below /api in lower case without a slash at its end, "
            "for example /api/things"
        )
    for field in ("share_bp", "shadow_bp"):
        if not 0 <= (share := getattr(route, field)) <= WHOLE_BP:
            ends = ("all legacy", "all new") if field == "share_bp" else ("none", "all")
            yield (
                f"{where}: {field} is {share}: give basis points from 0 ({ends[0]}) to {WHOLE_BP} ({ends[1]}); "
                "25 % is 2500"
            )
    if not 0 <= route.seed <= MAX_SEED:
        yield f"{where}: seed is {route.seed}: give a number from 0 to {MAX_SEED} and never change it afterwards"


def _rules(route: Route) -> Iterator[str]:
    where = f"route {route.name!r}"
    for field, form, alphabet in (("canary", _CANARY, "1-32 of a-z, 0-9, '-'"), ("cohorts", _COHORT, _ALPHABET)):
        values = [rule.value for rule in getattr(route, field)]
        if len(values) > MAX_RULES:
            yield f"{where}: {field} has {len(values)} rules: {MAX_RULES} are the most; a cohort may hold any number"
        for value in values:
            if not form.fullmatch(value):
                yield f"{where}: {field} names {value!r}: a value is {alphabet}"
        for value in sorted({value for value in values if values.count(value) > 1}):
            yield f"{where}: {field} names {value!r} twice: only the first would ever apply, remove one"
    if len(route.users) > MAX_USERS:
        yield (
            f"{where}: users are {len(route.users)}: {MAX_USERS} are the most; give a larger group a cohort in its "
            "tokens and name that under cohorts"
        )
    if malformed := [user for user in route.users if not _USER.fullmatch(user)]:
        yield f"{where}: users names {malformed[0]!r}: an id is {_ALPHABET}"


def _limits(route: Route) -> Iterator[str]:
    where = f"route {route.name!r}"
    if route.timeout_ms not in TIMEOUTS_MS:
        yield (
            f"{where}: timeout_ms is {route.timeout_ms}: give {TIMEOUTS_MS[0]} to {TIMEOUTS_MS[-1]} ms; callers wait "
            "5000 ms at most"
        )
    if not 0 <= route.retries <= MAX_RETRIES:
        yield f"{where}: retries is {route.retries}: give 0 to {MAX_RETRIES}; only safe requests are repeated"


def _references(route: Route, upstreams: Collection[str]) -> Iterator[str]:
    # Envoy would accept a route to an unknown cluster and respond 503 (1.40).
    for side in route.sides:
        if (name := route.upstream(side)) not in upstreams:
            yield (
                f"route {route.name!r}: {side} is {name!r}, which is no upstream: use one of "
                f"{', '.join(sorted(upstreams))}, or add it to GATEWAY_UPSTREAMS"
            )
    if route.shadow_bp and COMPARATOR not in upstreams:
        yield (
            f"route {route.name!r}: shadow_bp is {route.shadow_bp}, and there is no upstream {COMPARATOR!r} to compare "
            "at: add it to GATEWAY_UPSTREAMS, or set shadow_bp = 0"
        )


def _write_split(route: Route) -> Iterator[str]:
    if route.writes is None and 0 < route.share_bp < WHOLE_BP:
        yield (
            f"route {route.name!r}: at {format_share(route.share_bp)} writes would be split between {route.new!r} and "
            f'{route.legacy!r}, and two writers of one thing lose updates: set writes = "legacy" or writes = "new"'
        )
    by_rule = {rule.side for rule in (*route.canary, *route.cohorts)} | ({Side.NEW} if route.users else set())
    whole = Side.NEW if route.share_bp == WHOLE_BP else Side.LEGACY
    if route.writes is None and route.share_bp in (0, WHOLE_BP) and by_rule - {whole}:
        yield (
            f"route {route.name!r}: its canary, cohorts or users would send some writes to {Side(*by_rule - {whole})} "
            f"and all others to {whole}, and two writers of one thing lose updates: "
            'set writes = "legacy" or writes = "new"'
        )


def _decommission(route: Route) -> Iterator[str]:
    if not route.retired:
        return
    to_legacy = [rule.value for rule in (*route.canary, *route.cohorts) if rule.side is Side.LEGACY]
    needs = {
        f"share_bp = {WHOLE_BP}": route.share_bp == WHOLE_BP,
        'writes = "new"': route.writes is not Side.LEGACY,
        "shadow_bp = 0": route.shadow_bp == 0,
        f"no rule for {', '.join(to_legacy)}": not to_legacy,
    }
    if missing := [need for need, is_met in needs.items() if not is_met]:
        yield f"route {route.name!r}: it is retired, so there is no legacy side to go to: set {', '.join(missing)}"


def _between(routes: Sequence[Route]) -> Iterator[str]:
    """What two routes may not have in common. Linear in their number: a table of 500 is checked at every change."""
    by_name: dict[str, Route] = {}
    by_seed: dict[int, Route] = {}
    prefixes: dict[str, list[Route]] = {}
    for route in routes:
        prefixes.setdefault(route.prefix, []).append(route)
    for route in routes:
        if (first := by_name.setdefault(route.name, route)) is not route:
            yield f"{_both(first, route)} have the same name: rename one"
        if (first := by_seed.setdefault(route.seed, route)) is not route:
            yield (
                f"{_both(first, route)} have the same seed {route.seed}, so the same users would be first in both "
                "migrations: give the newer one another seed"
            )
        for outer in _covering(route, prefixes):
            yield (
                f"{_both(outer, route)} overlap: {outer.prefix} and {route.prefix} cover the same requests: give them "
                "separate prefixes"
            )


def _covering(route: Route, prefixes: Mapping[str, Sequence[Route]]) -> Iterator[Route]:
    """The other routes whose prefix covers this one's; of two that are alike only the earlier."""
    alike = prefixes[route.prefix]
    yield from alike[: next(at for at, other in enumerate(alike) if other is route)]
    end = len(route.prefix)
    while (end := route.prefix.rfind("/", 0, end)) > 0:
        yield from prefixes.get(route.prefix[:end], ())


def _both(first: Route, second: Route) -> str:
    return f"routes {first.name!r} and {second.name!r}"
