"""The order workflow: create → reserve → charge → confirm, then the answer; wait for the warehouse → ship → notify.

Everything that can happen in business completes it with an `Ending`, also a `cancel` by the customer; only a workflow
that an operator cancels shows as Canceled in Temporal, after everything was undone. Until the parcel is with the
carrier every way out undoes what was done; after it none does. A step runs first as a local activity, which saves a
round trip to the server and is what the customer waits for; when that fails it becomes a remote one, which survives
this worker and is visible with its attempts.

Runs in the sandbox: no I/O, no clock but `workflow.now`, and nothing imported that is not needed (see
tests/architecture/test_workflows_light.py). Not retried: Temporal repeats the history, so every change here needs
`workflow.patched` while older orders run (tests/replay).
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from bff.commerce.fulfilment.activities import OrderActivities
    from bff.commerce.fulfilment.journal import Journal
    from bff.commerce.fulfilment.messages import (
        Cancellation,
        CancelOrder,
        CancelWish,
        ChargeCustomer,
        ConfirmOrder,
        Ending,
        FulfilmentStatus,
        MarkShipped,
        NotifyCustomer,
        OrderEvent,
        OrderRef,
        OrderStep,
        OrderStepState,
        Outcome,
        PlaceOrder,
        PublishProgress,
        Receipt,
        Refusal,
        ReserveStock,
        Shortage,
    )
    from matapalo import REJECTED, Compensation, Saga, to_the_end

A = TypeVar("A")
R = TypeVar("R")
Activity = Callable[[OrderActivities, A], Awaitable[R]]

TASK_QUEUE = "orders"
PLACE_UPDATE_ID = "place"
CANCEL_UPDATE_ID = "cancel"
NOT_CANCELLABLE = "NotCancellable"
ORDER_STATUS = SearchAttributeKey.for_keyword("OrderStatus")
CUSTOMER_ID = SearchAttributeKey.for_keyword("CustomerId")

PROMPT_LIMIT = timedelta(seconds=1)
ATTEMPT_LIMIT = timedelta(seconds=5)
MAIL_LIMIT = timedelta(seconds=30)

WAREHOUSE_PATIENCE = timedelta(hours=48)
STEP_PATIENCE = timedelta(minutes=5)
UNDO_PATIENCE = timedelta(minutes=10)
PUBLISH_PATIENCE = timedelta(minutes=10)
MAIL_PATIENCE = timedelta(hours=1)

ONCE = RetryPolicy(maximum_attempts=1)
PATIENTLY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    maximum_interval=timedelta(seconds=10),
    non_retryable_error_types=[REJECTED],
)
STUBBORNLY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5))


#: From here on the only way is forward.
WITH_THE_CARRIER = frozenset({FulfilmentStatus.SHIPPING, FulfilmentStatus.COMPLETED})
#: What a cancellation comes to.
SETTLED = WITH_THE_CARRIER | {FulfilmentStatus.CANCELLED, FulfilmentStatus.NEEDS_ATTENTION}


class Stop(Exception):
    """The order ends here and is undone. The outcome is the answer to whoever still waits for one."""

    def __init__(
        self,
        ending: Ending,
        reason: str,
        outcome: Outcome = Outcome.FAILED,
        *,
        shortages: tuple[Shortage, ...] = (),
        refusals: tuple[Refusal, ...] = (),
    ) -> None:
        super().__init__(reason)
        self.ending = ending
        self.reason = reason
        self.outcome = outcome
        self.shortages = shortages
        self.refusals = refusals


@workflow.defn
class FulfilOrder:
    """One order."""

    @workflow.init
    def __init__(self, order: PlaceOrder) -> None:
        self._order = order
        self._ref = OrderRef(order.order_id, order.customer_id, order.traceparent)
        self._receipt: Receipt | None = None
        self._warehouse_has_confirmed = False
        self._cancellation: CancelWish | None = None
        self._reason = ""
        self._journal = Journal()
        self._saga = Saga()

    @workflow.run
    async def run(self, _order: PlaceOrder) -> Ending:
        """Drive the order to its ending."""
        publishing = asyncio.create_task(self._publish())
        ending = await self._fulfil()
        await to_the_end(self._close(publishing))
        if ending is None:
            raise asyncio.CancelledError
        return ending

    @workflow.update
    async def place(self) -> Receipt:
        """Whether the order is placed: the same answer for every caller, now and later."""
        await workflow.wait_condition(lambda: self._receipt is not None)
        if self._receipt is None:
            raise ApplicationError("woken without a receipt")
        return self._receipt

    @workflow.update
    async def cancel(self, wish: CancelWish) -> Cancellation:
        """Undo the order. Answers when that is done, or when it turns out that something cannot be undone yet."""
        self._cancellation = self._cancellation or wish
        await workflow.wait_condition(lambda: self._journal.status in SETTLED)
        return Cancellation(order_id=self._order.order_id, status=self._journal.status)

    @cancel.validator
    def _validate_cancel(self, wish: CancelWish) -> None:
        if self._journal.status in WITH_THE_CARRIER:
            raise ApplicationError("the parcel is with the carrier", type=NOT_CANCELLABLE)

    @workflow.signal
    def warehouse_confirmed(self) -> None:
        """The warehouse has packed the order. Early and repeated signals are fine."""
        self._warehouse_has_confirmed = True

    @workflow.query
    def progress(self) -> PublishProgress:
        """Where the order stands and everything that has happened, as it is published."""
        return self._progress(self._journal.events)

    async def _fulfil(self) -> Ending | None:
        """The ending, everything undone that had to be; None after a cancellation."""
        try:
            await self._unless_cancelled(self._until_packed())
            await to_the_end(self._deliver())
        except Stop as stop:
            await self._give_up(stop)
            return stop.ending
        except (asyncio.CancelledError, FailureError) as error:
            if is_cancelled_exception(error):
                await self._give_up(Stop(Ending.FAILED, "cancelled by an operator"))
                return None
            workflow.logger.error("order is undone: %s", error.__cause__ or error)
            await self._give_up(Stop(Ending.FAILED, "a service could not be reached"))
            return Ending.FAILED
        return Ending.SHIPPED

    async def _unless_cancelled(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` until the customer cancels. A cancellation that was accepted wins, also over work just done."""
        task = asyncio.create_task(work)
        try:
            await workflow.wait_condition(lambda: task.done() or self._cancellation is not None)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise
        if self._cancellation is not None:
            task.cancel()
        (error,) = await asyncio.gather(task, return_exceptions=True)
        if self._cancellation is not None:
            raise Stop(Ending.CANCELLED, self._cancellation.reason)
        if error is not None:
            raise error

    async def _until_packed(self) -> None:
        await self._place()
        await self._warehouse_confirms()

    async def _place(self) -> None:
        order, ref = self._order, self._ref
        with self._journaled(OrderStep.CREATE) as again:
            self._undo_by(OrderStep.CREATE, OrderActivities.cancel_order, lambda: CancelOrder(ref, self._reason))
            created = await _step(OrderActivities.create_order, order, STEP_PATIENCE, again)
            if created.total is None:
                raise Stop(Ending.REFUSED, "not a valid order", Outcome.INVALID, refusals=created.refusals)
        with self._journaled(OrderStep.RESERVE) as again:
            self._undo_by(OrderStep.RESERVE, OrderActivities.release_stock, lambda: ref)
            wish = ReserveStock(ref, order.lines)
            reserved = await _step(OrderActivities.reserve_stock, wish, STEP_PATIENCE, again)
            if reserved.shortages:
                raise Stop(Ending.REFUSED, "out of stock", Outcome.OUT_OF_STOCK, shortages=reserved.shortages)
        with self._journaled(OrderStep.CHARGE) as again:
            self._undo_by(OrderStep.CHARGE, OrderActivities.refund, lambda: ref)
            wanted = ChargeCustomer(ref, created.total, order.payment_method_id)
            charge = await _step(OrderActivities.charge_customer, wanted, STEP_PATIENCE, again)
            if charge.payment_id is None:
                raise Stop(Ending.REFUSED, charge.declined or "payment declined", Outcome.PAYMENT_DECLINED)
        with self._journaled(OrderStep.CONFIRM) as again:
            paid = ConfirmOrder(ref, charge.payment_id)
            await _step(OrderActivities.confirm_order, paid, STEP_PATIENCE, again)
        self._answer(Outcome.PLACED)

    async def _warehouse_confirms(self) -> None:
        self._stands(FulfilmentStatus.AWAITING_WAREHOUSE)
        with self._journaled(OrderStep.WAREHOUSE):
            try:
                await workflow.wait_condition(
                    lambda: self._warehouse_has_confirmed,
                    timeout=WAREHOUSE_PATIENCE,
                    timeout_summary="the warehouse has to confirm",
                )
            except TimeoutError:
                raise Stop(Ending.WAREHOUSE_TIMED_OUT, "the warehouse did not confirm in time") from None

    async def _deliver(self) -> None:
        self._stands(FulfilmentStatus.SHIPPING)
        with self._journaled(OrderStep.SHIP) as again:
            shipment = await _step(OrderActivities.create_shipment, self._ref, None, again)
            self._saga.pivot()
            await workflow.execute_activity_method(
                OrderActivities.mark_shipped,
                MarkShipped(self._ref, shipment.shipment_id),
                start_to_close_timeout=ATTEMPT_LIMIT,
                retry_policy=STUBBORNLY,
            )
        await self._notify(NotifyCustomer(self._ref, shipment.tracking_number))
        self._stands(FulfilmentStatus.COMPLETED)
        self._journal.finish(FulfilmentStatus.COMPLETED, workflow.now(), "the order is on its way")

    async def _notify(self, notice: NotifyCustomer) -> None:
        """A letter that cannot be sent stops nothing: the parcel is on its way."""
        try:
            with self._journaled(OrderStep.NOTIFY):
                await workflow.execute_activity_method(
                    OrderActivities.notify_customer,
                    notice,
                    start_to_close_timeout=MAIL_LIMIT,
                    schedule_to_close_timeout=MAIL_PATIENCE,
                    retry_policy=PATIENTLY,
                )
        except FailureError as error:
            workflow.logger.warning("the customer was not notified: %s", error.__cause__ or error)

    async def _give_up(self, stop: Stop) -> None:
        self._answer(stop.outcome, reason=stop.reason, shortages=stop.shortages, refusals=stop.refusals)
        self._reason = stop.reason
        await to_the_end(self._undo())

    async def _undo(self) -> None:
        self._stands(FulfilmentStatus.UNDOING)
        await self._saga.undo(when_stuck=lambda: self._stands(FulfilmentStatus.NEEDS_ATTENTION))
        self._stands(FulfilmentStatus.CANCELLED)
        self._journal.finish(FulfilmentStatus.CANCELLED, workflow.now(), self._reason)

    def _undo_by(self, step: OrderStep, activity: Activity[A, None], argument: Callable[[], A]) -> None:
        """Register what undoes ``step``; ``argument`` is asked for when it is done."""

        async def insist(patience: timedelta | None = None) -> None:
            await workflow.execute_activity_method(
                activity,
                argument(),
                start_to_close_timeout=ATTEMPT_LIMIT,
                schedule_to_close_timeout=patience,
                retry_policy=STUBBORNLY,
            )
            self._journal.ended(step, OrderStepState.UNDONE, workflow.now())

        async def attempt() -> bool:
            try:
                await insist(UNDO_PATIENCE)
            except FailureError as error:
                workflow.logger.error("%s cannot be undone yet: %s", step, error.__cause__ or error)
                return False
            return True

        self._saga.register(Compensation(attempt=attempt, insist=insist))

    def _answer(
        self,
        outcome: Outcome,
        *,
        reason: str = "",
        shortages: tuple[Shortage, ...] = (),
        refusals: tuple[Refusal, ...] = (),
    ) -> None:
        """Decide what `place` answers; the first decision stands."""
        if self._receipt is not None:
            return
        info = workflow.info()
        self._receipt = Receipt(
            order_id=self._order.order_id,
            workflow_id=info.workflow_id,
            run_id=info.run_id,
            started_at=info.start_time,
            request_hash=self._order.request_hash,
            attempt_id=self._order.attempt_id,
            outcome=outcome,
            shortages=shortages,
            refusals=refusals,
            reason=reason,
        )

    def _stands(self, status: FulfilmentStatus) -> None:
        """Show the status to customers (journal), in lists (search attribute) and on the order's page in the UI."""
        self._journal.stands(status)
        workflow.upsert_search_attributes([ORDER_STATUS.value_set(status.value)])
        workflow.set_current_details(f"**{self._order.order_id}**: {status.value.replace('_', ' ').lower()}")

    @contextmanager
    def _journaled(self, step: OrderStep) -> Iterator[Callable[[], None]]:
        """Write down how the step begins and ends. What it yields is to be called when the step begins once more."""

        def begin() -> None:
            self._journal.started(step, workflow.now())

        begin()
        try:
            yield begin
        except (Stop, FailureError, asyncio.CancelledError) as error:
            message = error.reason if isinstance(error, Stop) else ""
            self._journal.ended(step, OrderStepState.FAILED, workflow.now(), message)
            raise
        self._journal.ended(step, OrderStepState.DONE, workflow.now())

    async def _publish(self) -> None:
        """Write events out beside the steps, in their order, until the last one."""
        while not self._journal.is_complete:
            await workflow.wait_condition(lambda: self._journal.has_news)
            news = self._progress(self._journal.take())
            try:
                await _step(OrderActivities.publish_progress, news, PUBLISH_PATIENCE)
            except FailureError as error:
                workflow.logger.warning("progress is not published: %s", error.__cause__ or error)

    def _progress(self, events: tuple[OrderEvent, ...]) -> PublishProgress:
        return PublishProgress(self._ref, workflow.info().workflow_id, events, self._journal.fulfilment)

    async def _close(self, publishing: asyncio.Task[None]) -> None:
        await publishing
        await workflow.wait_condition(workflow.all_handlers_finished)


def _nothing() -> None:
    """What most steps do when they begin once more."""


async def _step(
    activity: Activity[A, R], argument: A, patience: timedelta | None, again: Callable[[], None] = _nothing
) -> R:
    """Run it in this worker; if that fails or is slow, call ``again`` and run it as an activity of its own for up to
    ``patience``.

    Both are the same call to the service, by the same idempotency key. Raises FailureError.
    """
    try:
        return await workflow.execute_local_activity_method(
            activity,
            argument,
            start_to_close_timeout=PROMPT_LIMIT,
            retry_policy=ONCE,
        )
    except FailureError as error:
        if is_cancelled_exception(error) or _is_rejection(error):
            raise
    again()
    return await workflow.execute_activity_method(
        activity,
        argument,
        start_to_close_timeout=ATTEMPT_LIMIT,
        schedule_to_close_timeout=patience,
        retry_policy=PATIENTLY,
    )


def _is_rejection(error: FailureError) -> bool:
    # A local activity's error comes bare, a remote one's inside an ActivityError.
    origin = error.cause if isinstance(error, ActivityError) else error
    return isinstance(origin, ApplicationError) and origin.type == REJECTED
