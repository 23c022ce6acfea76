"""What a route is: a path prefix, its two sides, and the ordered policy that chooses between them.

A side is the *name* of an upstream, never an address. ``share_bp`` and ``shadow_bp`` are in basis points (0-10000) of
the route's population; ``seed`` belongs to the route, so that the same unlucky users are not first in every migration.

The policy, first rule that applies wins (`matapalo.strangler.routing.decide` and `matapalo.strangler.envoy.policy`
follow this order):

    forced side      a trusted caller requires one
    writes           everything but GET and HEAD goes to one side
    canary           the value of `x-canary`
    cohorts          the cohort claim of the caller's token
    users            named users have the new side
    share_bp         the first so many of the users have the new side, the same on every request
    default          the new side at the whole; below it the legacy side, also without a subject
"""

from enum import StrEnum

import msgspec

WHOLE_BP = 10_000
SAFE_METHODS = frozenset({"GET", "HEAD"})
DEFAULT_TIMEOUT_MS = 5_000
"""As long as the longest deadline of a caller: no mutation waits longer."""


class Side(StrEnum):
    """The two implementations of a route's resources."""

    NEW = "new"
    LEGACY = "legacy"


class Audience(StrEnum):
    """The callers that may use a route from outside (edge listener). Writes are for staff on every route."""

    PUBLIC = "public"
    """All callers read, also without a token."""
    OWNER = "owner"
    """Callers with a token read; both sides show a customer only their own."""
    STAFF = "staff"
    """Operators and services only."""


class Match(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests with exactly this value take this side."""

    value: str
    side: Side = Side.NEW


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One route of the table. Construction checks nothing: see `matapalo.strangler.routing.validate`."""

    name: str
    prefix: str
    new: str
    legacy: str = "legacy"
    share_bp: int = 0
    seed: int
    writes: Side | None = None
    """The side that gets every request but GET and HEAD. None: writes follow the share (only at 0 or 100 %)."""
    canary: tuple[Match, ...] = ()
    """By the value of `x-canary`."""
    cohorts: tuple[Match, ...] = ()
    """By the `cohort` of the caller's token."""
    users: tuple[str, ...] = ()
    """These have the new side."""
    audience: Audience = Audience.STAFF
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    """For the whole request, repetitions included."""
    retries: int = 1
    """How often a safe request that had no effect yet is retried."""
    fallback: bool = True
    """A safe request that the new side fails is sent to the legacy side."""
    shadow_bp: int = 0
    """The users whose GETs are compared on both sides; at the whole also GETs without a user."""
    retired: bool = False
    """The legacy side is gone: nothing goes there any more, whatever a request asks for."""

    @property
    def sides(self) -> tuple[Side, ...]:
        return (Side.NEW,) if self.retired else (Side.NEW, Side.LEGACY)

    @property
    def falls_back(self) -> bool:
        """Whether the legacy side stands in for a failing new side."""
        return self.fallback and not self.retired

    def upstream(self, side: Side) -> str:
        return self.new if side is Side.NEW else self.legacy


def covers(prefix: str, path: str) -> bool:
    """Whether a request path (with its query) belongs to a prefix: P itself, P/… or P?…, never a longer word."""
    return path == prefix or path.startswith((f"{prefix}/", f"{prefix}?"))
