"""Order workflows without Temporal and Redis: every order is decided at once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bff.commerce.fulfilment.messages import Line, OrderEvent, Outcome, Receipt, Refusal, Shortage
from bff.commerce.fulfilment.ports import OrderWish, PendingOrder
from bff.errors import IdempotencyKeyReused
from tests.support.asking import NoWorkflows

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
    wishes: list[OrderWish] = field(default_factory=list)
    _first: dict[tuple[str, str, str], tuple[OrderWish, Receipt]] = field(default_factory=dict)

    async def place(self, wish: OrderWish) -> Receipt | PendingOrder:
        self.wishes.append(wish)
        if self.pending:
            return PendingOrder(self.order_id)
        key = (wish.client, wish.customer_id, wish.idempotency_key)
        first, receipt = self._first.setdefault(key, (wish, self._receipt(wish)))
        if _asked(first) != _asked(wish):
            raise IdempotencyKeyReused("this Idempotency-Key was used with other input")
        return receipt

    async def confirm_warehouse(self, order_id: str) -> bool:
        return order_id in self.waiting

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


def _asked(wish: OrderWish) -> tuple[tuple[Line, ...], str | None]:
    return wish.lines, wish.payment_method_id
