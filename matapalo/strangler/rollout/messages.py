"""The messages of a rollout's workflow: plain data, understood by Temporal's JSON converter. No logic, no imports.

Shares are basis points (0-10000) of a route's users. ``revision`` is the version of the table at which the route was
changed last. Histories of running rollouts hold these: fields are added with a default, never renamed or removed.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class RolloutPhase(StrEnum):
    """Where a rollout stands."""

    RUNNING = "RUNNING"
    WAITING = "WAITING"
    """For an operator to approve the next step (`advance`)."""
    HELD = "HELD"
    """By an operator: it goes no further. Its gates are still checked, and roll it back."""
    PAUSED = "PAUSED"
    """After an external change of the route: it writes nothing until it is resumed."""
    DONE = "DONE"
    ROLLED_BACK = "ROLLED_BACK"

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is left to happen."""
        return self in (RolloutPhase.DONE, RolloutPhase.ROLLED_BACK)


@dataclass(frozen=True)
class Step:
    """A share, and how long it lasts. 0 seconds: only as the last step, which then is the end."""

    share_bp: int
    lasts_s: float = 0
    needs_approval: bool = False


@dataclass(frozen=True)
class CheckNote:
    """The outcome of a single gate."""

    name: str
    outcome: str
    because: str
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class VerdictNote:
    """The outcome of all gates: PASS, FAIL or HOLD, and why."""

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
class StepEntry:
    """When a step was entered, and the last outcome of its gates."""

    at: datetime
    outcome: str = ""


@dataclass(frozen=True)
class RolloutState:
    """The whole state of a rollout, as operators read it."""

    route: str
    phase: RolloutPhase
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
    """So many failed gates in a row roll it back."""
    entered: tuple[StepEntry, ...] = ()
    due_at: datetime | None = None
    """When the current step may end, given that its gates pass."""
    verdict: VerdictNote | None = None
    finished_at: datetime | None = None
    events: tuple[Event, ...] = ()
    revision: int = 0


@dataclass(frozen=True)
class StartRollout:
    """The input of the workflow."""

    route: str
    plan: tuple[Step, ...]
    by: str
    why: str
    revision: int
    check_every_s: float
    failures_allowed: int
    share_bp: int = 0
    """The route's share before the first step."""
    continued: RolloutState | None = None
    """The state to go on from, when a long history was continued as a new one."""


@dataclass(frozen=True)
class OperatorCommand:
    """Which operator sends a command (hold, resume, advance, rollback), and why."""

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
    """The route's revision. ``conflict`` names the external change because of which nothing was written."""

    revision: int
    conflict: str = ""


@dataclass(frozen=True)
class CheckGates:
    """Check the gates. ``expected`` as in `MoveShare`."""

    route: str
    expected: int
    since: datetime
    recent_s: float


@dataclass(frozen=True)
class GateReport:
    """The gates' verdict, and the external change of the route meanwhile: a conflict when it concerns the rollout."""

    verdict: VerdictNote
    revision: int
    share_bp: int
    external_change: str = ""
    is_conflict: bool = False
