"""Order and onboarding workflows without Temporal and Redis: everything is decided at once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bff.commerce.fulfilment.messages import OrderEvent, Outcome, Receipt, Refusal, Shortage
from bff.commerce.fulfilment.ports import CancelAnswer, OrderWish, PendingOrder
from bff.commerce.onboarding.ports import ConfirmAnswer, RegistrationWish
from matapalo.errors import IdempotencyKeyReused
from tests.harness.asking import NoWorkflows

STARTED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class InstantWorkflows(NoWorkflows):
    """Answers ``outcome`` for every key, the same to every repeat; ``order_id`` is the id of all orders."""

    order_id: str = "ord_00001"
    outcome: Outcome = Outcome.PLACED
    shortages: tuple[Shortage, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    reason: str = ""
    pending: bool = False
    waiting: set[str] = field(default_factory=set)
    history: tuple[OrderEvent, ...] = ()
    cancels: CancelAnswer = CancelAnswer.NOT_RUNNING
    owners: dict[str, str] = field(default_factory=dict)
    confirms: ConfirmAnswer = ConfirmAnswer.CONFIRMED
    wishes: list[OrderWish] = field(default_factory=list)
    registrations: list[RegistrationWish] = field(default_factory=list)
    _first: dict[str, tuple[OrderWish, Receipt]] = field(default_factory=dict)

    async def place(self, wish: OrderWish) -> Receipt | PendingOrder:
        self.wishes.append(wish)
        if self.pending:
            return PendingOrder(self.order_id)
        first, receipt = self._first.setdefault(wish.record_id, (wish, self._receipt(wish)))
        if first.fingerprint != wish.fingerprint:
            raise IdempotencyKeyReused("this Idempotency-Key was used with other input")
        return receipt

    async def confirm_warehouse(self, order_id: str) -> bool:
        return order_id in self.waiting

    async def cancel(self, order_id: str, reason: str) -> CancelAnswer:
        return self.cancels

    async def customer_of(self, order_id: str) -> str | None:
        return self.owners.get(order_id)

    async def register(self, wish: RegistrationWish) -> bool:
        known = any(each.record_id == wish.record_id for each in self.registrations)
        self.registrations.append(wish)
        return not known

    async def confirm(self, token: str) -> ConfirmAnswer:
        return self.confirms

    async def events(self, order_id: str, *, after: str | None, closed: bool) -> AsyncIterator[OrderEvent]:
        start = int(after.partition("-")[0]) if after else 0
        for event in self.history[start:]:
            yield event

    def _receipt(self, wish: OrderWish) -> Receipt:
        return Receipt(
            order_id=self.order_id,
            workflow_id="placeOrder:1",
            run_id="run-1",
            started_at=STARTED_AT,
            request_hash="",
            attempt_id=wish.attempt_id,
            outcome=self.outcome,
            shortages=self.shortages,
            refusals=self.refusals,
            reason=self.reason,
        )
