"""In-memory collaborators of a rollout's activities: a table of one route, and a snapshot store."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from matapalo.strangler.errors import InvalidChange, RedisUnavailable
from matapalo.strangler.rollout.messages import (
    CheckGates,
    CheckNote,
    GateReport,
    Moved,
    MoveShare,
    RolloutState,
    VerdictNote,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class FakeRouteTable:
    """``outcome_at`` is the gates' outcome by share. ``written`` has (share, on behalf of whom)."""

    share_bp: int = 0
    revision: int = 1
    outcome_at: Callable[[int], str] = lambda share_bp: "PASS"
    critical: bool = False
    is_down: bool = False
    refuses: frozenset[int] = frozenset()
    written: list[tuple[int, str]] = field(default_factory=list)
    checks: int = 0
    changed_by: str = ""
    on_check: Callable[[CheckGates], Awaitable[None]] | None = None

    def change_externally(self, share_bp: int, by: str = "op_9") -> None:
        self.share_bp, self.revision, self.changed_by = share_bp, self.revision + 1, by

    async def move(self, request: MoveShare) -> Moved:
        self._require_up()
        if request.share_bp in self.refuses:
            raise InvalidChange(f"{request.share_bp} is refused")
        if request.expected is not None and request.expected != self.revision and self.changed_by:
            return Moved(self.revision, conflict=self._external_change())
        if request.share_bp != self.share_bp:
            self.share_bp, self.revision = request.share_bp, self.revision + 1
            self.written.append((request.share_bp, request.on_behalf_of))
        self.changed_by = ""
        return Moved(self.revision)

    async def check(self, request: CheckGates) -> GateReport:
        self._require_up()
        self.checks += 1
        if self.on_check is not None:
            await self.on_check(request)
        outcome = self.outcome_at(self.share_bp)
        check = CheckNote("errors", outcome, f"errors are {outcome}", {"p": 0.5})
        return GateReport(
            VerdictNote(outcome, f"errors are {outcome}", EPOCH, (check,), is_critical=self.critical),
            self.revision,
            self.share_bp,
            external_change=self._external_change() if self.changed_by else "",
            is_conflict=bool(self.changed_by) and request.expected != self.revision,
        )

    def _external_change(self) -> str:
        return f"{self.changed_by} changed share_bp to {self.share_bp} at version {self.revision}"

    def _require_up(self) -> None:
        if self.is_down:
            raise RedisUnavailable("Redis does not answer")


@dataclass
class FakeSnapshotStore:
    """``saved`` has every snapshot, the newest last."""

    saved: list[RolloutState] = field(default_factory=list)

    async def save(self, state: RolloutState) -> None:
        self.saved.append(state)
