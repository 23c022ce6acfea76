"""What the console shows and does, as it needs it: five ports, joined to the gateway's parts in
`matapalo.strangler.app`.

Shares of users are basis points (0-10000), every other share is 0-1; times are UTC. None means "nobody measured it".
Every method may raise a GatewayError: the section that needs it then shows the error's sentence, the rest of the page
stays. A write raises one when it is refused; its sentence is shown next to the button that caused it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Side
from matapalo.strangler.shadow.consistency import Standing
from matapalo.strangler.verdict import Outcome


class Intent(NamedTuple):
    """Who wants a change, and why: both end up in the history."""

    actor: str
    reason: str


# --- routes ----------------------------------------------------------------------------------------------------------


class Liveness(msgspec.Struct, frozen=True):
    """Which version the nodes obey. ``nodes_live`` of ``nodes`` obey the stored one."""

    nodes_live: int
    nodes: int


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the history. ``what`` is the change in words: "share 5 % → 25 %"; ``share_bp`` what it came to."""

    version: int
    at: datetime
    who: str
    why: str
    route: str
    what: str
    share_bp: int
    moved: bool
    """Whether the share is another than before."""
    evidence: str = ""


class History(msgspec.Struct, frozen=True):
    """The changes, the newest first, and what a rollback would bring back ("5 %"); None: there is nothing to undo."""

    changes: tuple[Change, ...] = ()
    undo: str | None = None


class Routes(Protocol):
    """The table of routes: `matapalo.strangler.store.changes`. ``revision`` is the version at which its author saw
    the route:
    a write is refused when somebody else has changed the route since. Writes return the version they made.
    """

    async def table(self) -> RoutesDocument: ...

    async def liveness(self) -> Liveness: ...

    async def history(self, route: str | None, *, limit: int) -> History:
        """Of all routes when none is named; that has no ``undo``."""
        ...

    async def set_split(self, route: str, share_bp: int, writes: Side | None, intent: Intent, *, revision: int) -> int:
        """The share of the users on the new side, and the side that gets the writes (None: they follow the share)."""
        ...

    async def restore(self, route: str, to_version: int | None, intent: Intent, *, revision: int) -> int:
        """The route as it was at a version; None: as it was before its last change."""
        ...


# --- watching --------------------------------------------------------------------------------------------------------


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a route for the length of a window."""

    rate: float = 0.0
    """Requests per second."""
    error_share: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


class Point(msgspec.Struct, frozen=True):
    """Both sides in one window that ended ``at``."""

    at: datetime
    legacy: Window
    new: Window


class Finding(msgspec.Struct, frozen=True):
    """What one gate says, with its numbers."""

    gate: str
    verdict: Outcome
    because: str


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A route now."""

    point: Point
    verdict: Outcome
    findings: tuple[Finding, ...] = ()
    same_share: float | None = None
    """How many compared answers were the same on both sides."""


class Watching(Protocol):
    """Measurements and verdicts: `matapalo.strangler.shadow`."""

    async def latest(self) -> Mapping[str, Watched]:
        """By route; a route that nobody watched yet is absent."""
        ...

    async def series(self, route: str, *, minutes: int) -> Sequence[Point]:
        """The windows of the last ``minutes``, the oldest first; long ranges may be thinned out."""
        ...


# --- differences -----------------------------------------------------------------------------------------------------


class Sample(msgspec.Struct, frozen=True):
    """Both answers to one request, as indented JSON, everything but the listed fields redacted."""

    request: str
    at: datetime
    legacy: str
    new: str


class FieldDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One JSON path. ``noise`` is how often legacy differed from itself there."""

    path: str
    kind: str
    different: int
    noise: int
    standing: Standing
    samples: tuple[Sample, ...] = ()


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What the comparator found on one route."""

    compared: int
    dropped: int
    same_share: float | None
    fields: tuple[FieldDifference, ...] = ()


class Differences(Protocol):
    """The comparator's report: `matapalo.strangler.shadow`."""

    async def of(self, route: str) -> Comparison: ...


# --- rollouts --------------------------------------------------------------------------------------------------------


class StepState(StrEnum):
    """Of one step of a plan."""

    DONE = "done"
    CURRENT = "current"
    NEXT = "next"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step: a share, how long it is watched ("for 1 day"), and how its gate judged it."""

    share_bp: int
    length: str
    state: StepState
    needs_approval: bool = False
    began: datetime | None = None
    verdict: Outcome | None = None


class RolloutState(StrEnum):
    """Of a whole plan."""

    RUNNING = "running"
    HELD = "held"
    WAITING = "needs approval"
    PAUSED = "paused"
    DONE = "done"
    ROLLED_BACK = "rolled back"


class Command(StrEnum):
    """What can be told to a rollout."""

    HOLD = "hold"
    RESUME = "resume"
    ADVANCE = "advance"
    ROLLBACK = "rollback"


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """A plan and how far it is. ``because`` says why it is in this state; ``allowed`` what may be told to it now."""

    route: str
    state: RolloutState
    because: str
    steps: tuple[Step, ...]
    by: str = ""
    until: datetime | None = None
    """When the current step may end."""
    allowed: tuple[Command, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is left to happen."""
        return self.state in (RolloutState.DONE, RolloutState.ROLLED_BACK)


class Rollouts(Protocol):
    """Durable plans: `matapalo.strangler.rollout`."""

    async def latest(self) -> Mapping[str, Rollout]:
        """The last plan of each route that ever had one."""
        ...

    async def start(self, route: str, plan: str, intent: Intent) -> None: ...

    async def tell(self, route: str, command: Command, intent: Intent) -> None: ...


# --- decommission ----------------------------------------------------------------------------------------------------


class Requirement(msgspec.Struct, frozen=True):
    """One condition for the removal of the old side, with the numbers that decide it."""

    is_met: bool
    because: str


class LegacyCaller(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whose requests still reached the old side."""

    client: str
    version: str
    agent: str
    count: int
    last_seen: datetime


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the old side of a route is dead."""

    is_ready: bool
    requirements: tuple[Requirement, ...]
    callers: tuple[LegacyCaller, ...] = ()
    is_removed: bool = False


class Decommission(Protocol):
    """The proof that nobody needs the old side: `matapalo.strangler.api`."""

    async def evidence(self, route: str) -> Evidence: ...

    async def apply(self, route: str, intent: Intent) -> None:
        """Removes the legacy branch. Refused while the evidence says NOT READY."""
        ...


@dataclass(frozen=True)
class Sources:
    """Everything the console is joined to."""

    routes: Routes
    watching: Watching
    differences: Differences
    rollouts: Rollouts
    decommission: Decommission
