"""The order workflow: create → reserve → charge → confirm, then the receipt; wait for the warehouse → ship → notify.

Everything that can happen in business completes it with an `Ending`, also a `cancel` by the customer; only a workflow
that an operator cancels shows as Canceled in Temporal, after everything was compensated. Until the parcel is with the
carrier every way out compensates what was done; after it none does. A step runs first as a local activity, which saves
a round trip to the server and is what the customer waits for; when that fails it becomes a remote one, which survives
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
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from bff.commerce.fulfilment.activities import OrderActivities
    from bff.commerce.fulfilment.event_log import EventLog
    from bff.commerce.fulfilment.messages import (
        Cancellation,
        CancelOrder,
        CancelOrderRequest,
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
        PlaceOrderRequest,
        PublishProgress,
        Receipt,
        Refusal,
        ReserveStock,
        Shortage,
    )
    from matapalo import REJECTED, RETRY_DEFAULT, RETRY_FOREVER, RETRY_NEVER, Compensation, Saga, to_the_end

A = TypeVar("A")
R = TypeVar("R")
Activity = Callable[[OrderActivities, A], Awaitable[R]]

TASK_QUEUE = "orders"
PLACE_UPDATE_ID = "place"
CANCEL_UPDATE_ID = "cancel"
NOT_CANCELLABLE = "NotCancellable"
ORDER_STATUS = SearchAttributeKey.for_keyword("OrderStatus")
CUSTOMER_ID = SearchAttributeKey.for_keyword("CustomerId")

#: Of one attempt (start to close).
LOCAL_ATTEMPT_TIMEOUT = timedelta(seconds=1)
ATTEMPT_TIMEOUT = timedelta(seconds=5)
EMAIL_ATTEMPT_TIMEOUT = timedelta(seconds=30)

#: Of all attempts together (schedule to close).
STEP_TIMEOUT = timedelta(minutes=5)
PUBLISH_TIMEOUT = timedelta(minutes=10)
EMAIL_TIMEOUT = timedelta(hours=1)
WAREHOUSE_TIMEOUT = timedelta(hours=48)

#: From here on the only way is forward.
WITH_THE_CARRIER = frozenset({FulfilmentStatus.SHIPPING, FulfilmentStatus.COMPLETED})
#: What a cancellation comes to.
SETTLED = WITH_THE_CARRIER | {FulfilmentStatus.CANCELLED, FulfilmentStatus.NEEDS_ATTENTION}


class Abort(Exception):
    """The order ends here and is compensated. The outcome goes into the receipt, if there is none yet."""

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
    """Fulfils one order, from its creation to its shipment."""

    @workflow.init
    def __init__(self, request: PlaceOrderRequest) -> None:
        self._request = request
        self._ref = OrderRef(request.order_id, request.customer_id, request.traceparent)
        self._receipt: Receipt | None = None
        self._warehouse_has_confirmed = False
        self._cancellation: CancelOrderRequest | None = None
        self._reason = ""
        self._event_log = EventLog()
        self._saga = Saga()

    @workflow.run
    async def run(self, _request: PlaceOrderRequest) -> Ending:
        """Drive the order to its ending."""
        publishing = asyncio.create_task(self._publish())
        ending = await self._fulfil()
        await to_the_end(self._close(publishing))
        if ending is None:
            raise asyncio.CancelledError
        return ending

    @workflow.update
    async def place(self) -> Receipt:
        """Whether the order is placed: the same receipt for every caller, now and later."""
        await workflow.wait_condition(lambda: self._receipt is not None)
        if self._receipt is None:
            raise ApplicationError("woken without a receipt")
        return self._receipt

    @workflow.update
    async def cancel(self, request: CancelOrderRequest) -> Cancellation:
        """Compensate the order. Returns when that is done, or when something turns out not to succeed yet."""
        self._cancellation = self._cancellation or request
        await workflow.wait_condition(lambda: self._event_log.status in SETTLED)
        return Cancellation(order_id=self._ref.order_id, status=self._event_log.status)

    @cancel.validator
    def _validate_cancel(self, request: CancelOrderRequest) -> None:
        if self._event_log.status in WITH_THE_CARRIER:
            raise ApplicationError("the parcel is with the carrier", type=NOT_CANCELLABLE)

    @workflow.signal
    def warehouse_confirmed(self) -> None:
        """The warehouse has packed the order. Early and repeated signals are fine."""
        self._warehouse_has_confirmed = True

    @workflow.query
    def progress(self) -> PublishProgress:
        """Where the order stands and everything that has happened, as it is published."""
        return self._progress(self._event_log.events)

    async def _fulfil(self) -> Ending | None:
        """The ending, everything compensated that had to be; None after a cancellation."""
        try:
            await self._unless_cancelled(self._until_packed())
            await to_the_end(self._deliver())
        except Abort as abort:
            await self._give_up(abort)
            return abort.ending
        except (asyncio.CancelledError, FailureError) as error:
            if is_cancelled_exception(error):
                await self._give_up(Abort(Ending.FAILED, "cancelled by an operator"))
                return None
            workflow.logger.error("order is compensated: %s", error.__cause__ or error)
            await self._give_up(Abort(Ending.FAILED, "a service could not be reached"))
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
            raise Abort(Ending.CANCELLED, self._cancellation.reason)
        if error is not None:
            raise error

    async def _until_packed(self) -> None:
        await self._place()
        await self._warehouse_confirms()

    async def _place(self) -> None:
        request, ref = self._request, self._ref
        with self._logged(OrderStep.CREATE) as again:
            self._compensate_by(OrderStep.CREATE, OrderActivities.cancel_order, lambda: CancelOrder(ref, self._reason))
            created = await _step(OrderActivities.create_order, request, STEP_TIMEOUT, again)
            if created.total is None:
                raise Abort(Ending.REFUSED, "not a valid order", Outcome.INVALID, refusals=created.refusals)
        with self._logged(OrderStep.RESERVE) as again:
            self._compensate_by(OrderStep.RESERVE, OrderActivities.release_stock, lambda: ref)
            stock = ReserveStock(ref, request.lines)
            reservation = await _step(OrderActivities.reserve_stock, stock, STEP_TIMEOUT, again)
            if reservation.shortages:
                raise Abort(Ending.REFUSED, "out of stock", Outcome.OUT_OF_STOCK, shortages=reservation.shortages)
        with self._logged(OrderStep.CHARGE) as again:
            self._compensate_by(OrderStep.CHARGE, OrderActivities.refund, lambda: ref)
            amount = ChargeCustomer(ref, created.total, request.payment_method_id)
            charge = await _step(OrderActivities.charge_customer, amount, STEP_TIMEOUT, again)
            if charge.payment_id is None:
                raise Abort(Ending.REFUSED, charge.declined or "payment declined", Outcome.PAYMENT_DECLINED)
        with self._logged(OrderStep.CONFIRM) as again:
            paid = ConfirmOrder(ref, charge.payment_id)
            await _step(OrderActivities.confirm_order, paid, STEP_TIMEOUT, again)
        self._decide(Outcome.PLACED)

    async def _warehouse_confirms(self) -> None:
        self._set_status(FulfilmentStatus.AWAITING_WAREHOUSE)
        with self._logged(OrderStep.WAREHOUSE):
            try:
                await workflow.wait_condition(
                    lambda: self._warehouse_has_confirmed,
                    timeout=WAREHOUSE_TIMEOUT,
                    timeout_summary="the warehouse has to confirm",
                )
            except TimeoutError:
                raise Abort(Ending.WAREHOUSE_TIMED_OUT, "the warehouse did not confirm in time") from None

    async def _deliver(self) -> None:
        self._set_status(FulfilmentStatus.SHIPPING)
        with self._logged(OrderStep.SHIP) as again:
            shipment = await _step(OrderActivities.create_shipment, self._ref, None, again)
            self._saga.pivot()
            await workflow.execute_activity_method(
                OrderActivities.mark_shipped,
                MarkShipped(self._ref, shipment.shipment_id),
                start_to_close_timeout=ATTEMPT_TIMEOUT,
                retry_policy=RETRY_FOREVER,
            )
        await self._notify(NotifyCustomer(self._ref, shipment.tracking_number))
        self._set_status(FulfilmentStatus.COMPLETED)
        self._event_log.finish(FulfilmentStatus.COMPLETED, workflow.now(), "the order is on its way")

    async def _notify(self, notice: NotifyCustomer) -> None:
        """Send the email. One that cannot be sent stops nothing: the parcel is on its way."""
        try:
            with self._logged(OrderStep.NOTIFY):
                await workflow.execute_activity_method(
                    OrderActivities.notify_customer,
                    notice,
                    start_to_close_timeout=EMAIL_ATTEMPT_TIMEOUT,
                    schedule_to_close_timeout=EMAIL_TIMEOUT,
                    retry_policy=RETRY_DEFAULT,
                )
        except FailureError as error:
            workflow.logger.warning("the customer was not notified: %s", error.__cause__ or error)

    async def _give_up(self, abort: Abort) -> None:
        self._decide(abort.outcome, reason=abort.reason, shortages=abort.shortages, refusals=abort.refusals)
        self._reason = abort.reason
        await to_the_end(self._compensate())

    async def _compensate(self) -> None:
        self._set_status(FulfilmentStatus.COMPENSATING)
        await self._saga.compensate(
            on_failure=lambda step, error: workflow.logger.error(
                "%s cannot be compensated yet: %s", step, error.__cause__ or error
            ),
            when_stuck=lambda: self._set_status(FulfilmentStatus.NEEDS_ATTENTION),
        )
        self._set_status(FulfilmentStatus.CANCELLED)
        self._event_log.finish(FulfilmentStatus.CANCELLED, workflow.now(), self._reason)

    def _compensate_by(self, step: OrderStep, activity: Activity[A, None], argument: Callable[[], A]) -> None:
        """Register what compensates ``step``; ``argument`` is called when it runs."""

        async def run(timeout: timedelta | None) -> None:
            await workflow.execute_activity_method(
                activity,
                argument(),
                start_to_close_timeout=ATTEMPT_TIMEOUT,
                schedule_to_close_timeout=timeout,
                retry_policy=RETRY_FOREVER,
            )
            self._event_log.ended(step, OrderStepState.COMPENSATED, workflow.now())

        self._saga.register(Compensation(step, run))

    def _decide(
        self,
        outcome: Outcome,
        *,
        reason: str = "",
        shortages: tuple[Shortage, ...] = (),
        refusals: tuple[Refusal, ...] = (),
    ) -> None:
        """Write the receipt that `place` returns, unless there is one already."""
        if self._receipt is not None:
            return
        info = workflow.info()
        self._receipt = Receipt(
            order_id=self._ref.order_id,
            workflow_id=info.workflow_id,
            run_id=info.run_id,
            started_at=info.start_time,
            claim=self._request.claim,
            outcome=outcome,
            shortages=shortages,
            refusals=refusals,
            reason=reason,
        )

    def _set_status(self, status: FulfilmentStatus) -> None:
        """Show the status to customers (event log), in lists (search attribute) and on the order's page in the UI."""
        self._event_log.set_status(status)
        workflow.upsert_search_attributes([ORDER_STATUS.value_set(status.value)])
        workflow.set_current_details(f"**{self._ref.order_id}**: {status.value.replace('_', ' ').lower()}")

    @contextmanager
    def _logged(self, step: OrderStep) -> Iterator[Callable[[], None]]:
        """Write down how the step begins and ends. What it yields is to be called when the step begins once more."""

        def begin() -> None:
            self._event_log.started(step, workflow.now())

        begin()
        try:
            yield begin
        except (Abort, FailureError, asyncio.CancelledError) as error:
            message = error.reason if isinstance(error, Abort) else ""
            self._event_log.ended(step, OrderStepState.FAILED, workflow.now(), message)
            raise
        self._event_log.ended(step, OrderStepState.DONE, workflow.now())

    async def _publish(self) -> None:
        """Write events out beside the steps, in their order, until the last one."""
        while not self._event_log.is_complete:
            await workflow.wait_condition(lambda: self._event_log.has_news)
            news = self._progress(self._event_log.take())
            try:
                await _step(OrderActivities.publish_progress, news, PUBLISH_TIMEOUT)
            except FailureError as error:
                workflow.logger.warning("progress is not published: %s", error.__cause__ or error)

    def _progress(self, events: tuple[OrderEvent, ...]) -> PublishProgress:
        return PublishProgress(self._ref, workflow.info().workflow_id, events, self._event_log.fulfilment)

    async def _close(self, publishing: asyncio.Task[None]) -> None:
        await publishing
        await workflow.wait_condition(workflow.all_handlers_finished)


async def _step(
    activity: Activity[A, R], argument: A, timeout: timedelta | None, again: Callable[[], None] = lambda: None
) -> R:
    """Run it in this worker; if that fails or is slow, call ``again`` and run it as an activity of its own.

    Both are the same call to the service, by the same idempotency key. Raises FailureError.
    """
    try:
        return await workflow.execute_local_activity_method(
            activity,
            argument,
            start_to_close_timeout=LOCAL_ATTEMPT_TIMEOUT,
            retry_policy=RETRY_NEVER,
        )
    except FailureError as error:
        if is_cancelled_exception(error) or _is_rejection(error):
            raise
    again()
    return await workflow.execute_activity_method(
        activity,
        argument,
        start_to_close_timeout=ATTEMPT_TIMEOUT,
        schedule_to_close_timeout=timeout,
        retry_policy=RETRY_DEFAULT,
    )


def _is_rejection(error: FailureError) -> bool:
    # A local activity's error comes bare, a remote one's inside an ActivityError.
    origin = error.cause if isinstance(error, ActivityError) else error
    return isinstance(origin, ApplicationError) and origin.type == REJECTED
