"""A table of one route in memory with gates that say what they are told to, and a board: what activities talk to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from matapalo.strangler.errors import InvalidChange, StoreUnavailable
from matapalo.strangler.rollout.messages import CheckNote, Look, Moved, MoveShare, Seen, VerdictNote, View

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class FakeTable:
    """``says`` is the gates' outcome by share. ``written`` remembers (share, who)."""

    share_bp: int = 0
    revision: int = 1
    says: Callable[[int], str] = lambda share_bp: "PASS"
    critical: bool = False
    is_down: bool = False
    refuses: frozenset[int] = frozenset()
    written: list[tuple[int, str]] = field(default_factory=list)
    looks: int = 0
    meddler: str = ""
    when_asked: Callable[[Look], Awaitable[None]] | None = None

    def meddle(self, share_bp: int, by: str = "op_9") -> None:
        """Somebody changes the share by hand."""
        self.share_bp, self.revision, self.meddler = share_bp, self.revision + 1, by

    async def move(self, order: MoveShare) -> Moved:
        self._check()
        if order.share_bp in self.refuses:
            raise InvalidChange(f"{order.share_bp} is refused")
        if order.expected is not None and order.expected != self.revision and self.meddler:
            return Moved(self.revision, conflict=self._told())
        if order.share_bp != self.share_bp:
            self.share_bp, self.revision, self.meddler = order.share_bp, self.revision + 1, ""
            self.written.append((order.share_bp, order.on_behalf_of))
        self.meddler = ""
        return Moved(self.revision)

    async def look(self, question: Look) -> Seen:
        self._check()
        self.looks += 1
        if self.when_asked is not None:
            await self.when_asked(question)
        outcome = self.says(self.share_bp)
        check = CheckNote("errors", outcome, f"errors are {outcome}", {"p": 0.5})
        return Seen(
            VerdictNote(outcome, f"errors are {outcome}", EPOCH, (check,), is_critical=self.critical),
            self.revision,
            self.share_bp,
            changed=self._told() if self.meddler else "",
            meddled=bool(self.meddler) and question.expected != self.revision,
        )

    def _told(self) -> str:
        return f"{self.meddler} changed share_bp to {self.share_bp} at version {self.revision}"

    def _check(self) -> None:
        if self.is_down:
            raise StoreUnavailable("Redis does not answer")


@dataclass
class FakeBoard:
    """What was shown, the newest last."""

    shown: list[View] = field(default_factory=list)

    async def show(self, view: View) -> None:
        self.shown.append(view)
