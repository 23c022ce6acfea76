"""What a rollout is told, tells and asks: plain data, understood by Temporal's JSON converter. No logic, no imports.

Shares are basis points (0-10000) of a route's users. ``revision`` is the version of the table at which the route was
changed last. Histories of running rollouts hold these: fields are added with a default, never renamed or removed.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Phase(StrEnum):
    """Where a rollout stands."""

    RUNNING = "RUNNING"
    WAITING = "WAITING"
    """For somebody to approve the next step (`advance`)."""
    HELD = "HELD"
    """By an operator: it goes no further. Its gates still watch, and take it back."""
    PAUSED = "PAUSED"
    """Somebody changed the route by hand: it keeps its hands off until it is resumed."""
    DONE = "DONE"
    ROLLED_BACK = "ROLLED_BACK"

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is left to happen."""
        return self in (Phase.DONE, Phase.ROLLED_BACK)


@dataclass(frozen=True)
class Step:
    """A share, and how long it is watched. 0 seconds: only as the last step, which then is the end."""

    share_bp: int
    lasts_s: float = 0
    needs_approval: bool = False


@dataclass(frozen=True)
class CheckNote:
    """One gate's answer."""

    name: str
    outcome: str
    because: str
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class VerdictNote:
    """What the gates said: PASS, FAIL or HOLD, and why."""

    outcome: str
    because: str
    at: datetime
    checks: tuple[CheckNote, ...] = ()
    is_critical: bool = False


@dataclass(frozen=True)
class Event:
    """Something that happened. ``kind``: started, step, verdict, waiting, held, resumed, advanced, paused, adopted,
    done, rolled-back."""

    at: datetime
    kind: str
    text: str
    by: str
    share_bp: int


@dataclass(frozen=True)
class Entered:
    """When a step was entered, and how its gates judged it last."""

    at: datetime
    outcome: str = ""


@dataclass(frozen=True)
class View:
    """All there is to know about a rollout."""

    route: str
    phase: Phase
    because: str
    plan: tuple[Step, ...]
    step: int
    """Index of the current step; -1 before the first is entered."""
    share_bp: int
    by: str
    why: str
    started_at: datetime
    check_every_s: float
    failures: int
    failures_allowed: int
    """So many failed gates in a row take it back."""
    entered: tuple[Entered, ...] = ()
    due_at: datetime | None = None
    """When the current step may end, given that its gates pass."""
    verdict: VerdictNote | None = None
    finished_at: datetime | None = None
    events: tuple[Event, ...] = ()
    revision: int = 0


@dataclass(frozen=True)
class StartRollout:
    """What a rollout is to do. ``so_far`` is set when it goes on with a fresh history."""

    route: str
    plan: tuple[Step, ...]
    by: str
    why: str
    revision: int
    check_every_s: float
    failures_allowed: int
    share_bp: int = 0
    """What the route has already."""
    so_far: View | None = None


@dataclass(frozen=True)
class Order:
    """An operator's word."""

    by: str
    why: str


@dataclass(frozen=True)
class MoveShare:
    """Write this share. ``expected``: only if the route is still at this revision; None: whatever it is."""

    route: str
    share_bp: int
    expected: int | None
    why: str
    on_behalf_of: str
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Moved:
    """The route's revision; ``conflict`` says who was in the way, and nothing was written then."""

    revision: int
    conflict: str = ""


@dataclass(frozen=True)
class Look:
    """Ask the gates. ``expected`` as in `MoveShare`."""

    route: str
    expected: int
    since: datetime
    recent_s: float


@dataclass(frozen=True)
class Seen:
    """What the gates say, and what others did to the route meanwhile: ``meddled`` when it concerns the rollout."""

    verdict: VerdictNote
    revision: int
    share_bp: int
    changed: str = ""
    meddled: bool = False
