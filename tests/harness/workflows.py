"""Order and onboarding workflows without Temporal and Redis: everything is decided at once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bff.commerce.fulfilment.messages import OrderEvent, Outcome, PlaceOrderRequest, Receipt, Refusal, Shortage
from bff.commerce.fulfilment.ports import CancelResult, PendingOrder
from bff.commerce.onboarding.messages import RegisterCustomerRequest
from bff.commerce.onboarding.ports import ConfirmResult
from matapalo.errors import IdempotencyKeyReused
from tests.harness.in_memory_bff import NoWorkflows

STARTED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class InstantWorkflows(NoWorkflows):
    """Places every order with ``outcome``, the same for every repeat; ``order_id`` is the id of all orders."""

    order_id: str = "ord_00001"
    outcome: Outcome = Outcome.PLACED
    shortages: tuple[Shortage, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    reason: str = ""
    pending: bool = False
    waiting: set[str] = field(default_factory=set)
    history: tuple[OrderEvent, ...] = ()
    cancels: CancelResult = CancelResult.NOT_RUNNING
    owners: dict[str, str] = field(default_factory=dict)
    confirms: ConfirmResult = ConfirmResult.CONFIRMED
    requests: list[PlaceOrderRequest] = field(default_factory=list)
    registrations: list[RegisterCustomerRequest] = field(default_factory=list)
    _receipts: dict[str, Receipt] = field(default_factory=dict)

    async def place(self, request: PlaceOrderRequest) -> Receipt | PendingOrder:
        self.requests.append(request)
        if self.pending:
            return PendingOrder(self.order_id)
        receipt = self._receipts.setdefault(request.claim.record_id, self._receipt(request))
        if receipt.claim.fingerprint != request.claim.fingerprint:
            raise IdempotencyKeyReused("this Idempotency-Key was used with other input")
        return receipt

    async def confirm_warehouse(self, order_id: str) -> bool:
        return order_id in self.waiting

    async def cancel(self, order_id: str, reason: str) -> CancelResult:
        return self.cancels

    async def customer_of(self, order_id: str) -> str | None:
        return self.owners.get(order_id)

    async def register(self, request: RegisterCustomerRequest) -> bool:
        is_new = all(earlier.claim.record_id != request.claim.record_id for earlier in self.registrations)
        self.registrations.append(request)
        return is_new

    async def confirm(self, token: str) -> ConfirmResult:
        return self.confirms

    async def events(self, order_id: str, *, after: str | None, closed: bool) -> AsyncIterator[OrderEvent]:
        start = int(after.partition("-")[0]) if after else 0
        for event in self.history[start:]:
            yield event

    def _receipt(self, request: PlaceOrderRequest) -> Receipt:
        return Receipt(
            order_id=self.order_id,
            workflow_id="placeOrder:1",
            run_id="run-1",
            started_at=STARTED_AT,
            claim=request.claim,
            outcome=self.outcome,
            shortages=self.shortages,
            refusals=self.refusals,
            reason=self.reason,
        )
