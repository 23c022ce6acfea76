"""What a route is: a path prefix, its two sides, and the policy that chooses between them.

A side is the *name* of an upstream, never an address. ``share_bp`` is in basis points (0-10000) of the route's
population; ``seed`` belongs to the route, so that the same unlucky users are not first in every migration.

The policy is ordered, the first rule that applies wins (`gateway.routing.decide` and `gateway.dataplane.policy` follow
the same order): forced side, method rule, share, default.
"""

from enum import StrEnum

import msgspec

WHOLE_BP = 10_000
SAFE_METHODS = frozenset({"GET", "HEAD"})


class Side(StrEnum):
    """Who answers."""

    NEW = "new"
    LEGACY = "legacy"


class Audience(StrEnum):
    """Who may use a route from outside (edge listener). Writes are for staff on every route."""

    PUBLIC = "public"
    """Everybody reads, also without a token."""
    OWNER = "owner"
    """Whoever has a token reads; both sides show a customer only their own."""
    STAFF = "staff"
    """Operators and services only."""


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One route of the table. Construction checks nothing: see `gateway.routing.validate`."""

    name: str
    prefix: str
    new: str
    seed: int
    legacy: str = "legacy"
    share_bp: int = 0
    writes: Side | None = None
    """The side that gets every request but GET and HEAD. None: writes follow the share (only at 0 or 100 %)."""
    audience: Audience = Audience.STAFF

    def upstream(self, side: Side) -> str:
        """The name of the upstream behind a side."""
        return self.new if side is Side.NEW else self.legacy


def covers(prefix: str, path: str) -> bool:
    """Whether a request path (with its query) belongs to a prefix: P itself, P/… or P?…, never P with more letters."""
    return path == prefix or path.startswith((f"{prefix}/", f"{prefix}?"))
