"""What a good table of routes is. Every broken rule becomes one sentence: the thing, its value, the next step.

Envoy accepts a route to an unknown cluster and answers 503 (facts of 1.40), so references are checked here.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import combinations

from gateway.errors import InvalidRoutes
from gateway.routing.route import WHOLE_BP, Route, Side, covers

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_PREFIX = re.compile(r"/api(/[a-z0-9][a-z0-9-]*)+")
MAX_SEED = 2**32 - 1


def validated(routes: Sequence[Route], *, upstreams: Collection[str]) -> Sequence[Route]:
    """The routes themselves, when they are good. Raises InvalidRoutes with every problem found."""
    if problems := [*find_problems(routes, upstreams=upstreams)]:
        raise InvalidRoutes(problems)
    return routes


def find_problems(routes: Sequence[Route], *, upstreams: Collection[str]) -> Iterator[str]:
    """One sentence a broken rule, in the order of the routes."""
    for route in routes:
        yield from _form(route)
        yield from _references(route, upstreams)
        yield from _write_split(route)
    for first, second in combinations(routes, 2):
        yield from _between(first, second)


def _form(route: Route) -> Iterator[str]:
    where = f"route {route.name!r}"
    if not _NAME.fullmatch(route.name):
        yield f"{where}: the name must be 1-32 of a-z, 0-9 and '-', starting with a letter: rename it"
    if not _PREFIX.fullmatch(route.prefix):
        yield (
            f"{where}: prefix is {route.prefix!r}: write a path below /api in lower case without a slash at its end, "
            "for example /api/orders"
        )
    if not 0 <= route.share_bp <= WHOLE_BP:
        yield (
            f"{where}: share_bp is {route.share_bp}: give basis points from 0 (all legacy) to {WHOLE_BP} (all new); "
            "25 % is 2500"
        )
    if not 0 <= route.seed <= MAX_SEED:
        yield f"{where}: seed is {route.seed}: give a number from 0 to {MAX_SEED} and never change it afterwards"


def _references(route: Route, upstreams: Collection[str]) -> Iterator[str]:
    for side in Side:
        if (name := route.upstream(side)) not in upstreams:
            yield (
                f"route {route.name!r}: {side} is {name!r}, which is no upstream: use one of "
                f"{', '.join(sorted(upstreams))}, or add it to GATEWAY_UPSTREAMS"
            )


def _write_split(route: Route) -> Iterator[str]:
    if route.writes is None and 0 < route.share_bp < WHOLE_BP:
        yield (
            f"route {route.name!r}: at {route.share_bp / 100:g} % writes would be split between {route.new!r} and "
            f'{route.legacy!r}, and two writers of one thing lose updates: set writes = "legacy" or writes = "new"'
        )


def _between(first: Route, second: Route) -> Iterator[str]:
    both = f"routes {first.name!r} and {second.name!r}"
    if first.name == second.name:
        yield f"{both} have the same name: rename one"
    if covers(first.prefix, second.prefix) or covers(second.prefix, first.prefix):
        yield f"{both} overlap: {first.prefix} and {second.prefix} cover the same requests: give them separate prefixes"
    if first.seed == second.seed:
        yield (
            f"{both} have the same seed {first.seed}, so the same users would be first in both migrations: "
            "give the newer one another seed"
        )
