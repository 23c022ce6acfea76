"""The onboarding workflow: create → confirmation letter → wait for the confirmation → verify → welcome credit.

The wait lasts seven days, with one reminder; then the registration is removed and its e-mail address free again. An
address that is somebody's already ends it with a letter to that somebody: the caller learns nothing either way, since
`registerCustomer` answers before the first step. What was verified is never removed.

Runs in the sandbox; the same rules as for `bff.commerce.fulfilment.workflow`.
"""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from bff.commerce.onboarding.activities import OnboardingActivities
    from bff.commerce.onboarding.messages import (
        Confirmation,
        CustomerRef,
        LetterKind,
        OnboardingEnding,
        OnboardingStatus,
        RegisterCustomer,
        WriteLetter,
    )
    from matapalo import REJECTED, Compensation, Saga, to_the_end

TASK_QUEUE = "onboarding"
CONFIRM_UPDATE_ID = "confirm"
CLOSED = "Closed"

ATTEMPT_LIMIT = timedelta(seconds=5)
MAIL_LIMIT = timedelta(seconds=30)

CREATE_PATIENCE = timedelta(hours=1)
MAIL_PATIENCE = timedelta(days=1)
CONFIRM_WITHIN = timedelta(days=7)
REMIND_AFTER = timedelta(days=5)
UNDO_PATIENCE = timedelta(minutes=10)

PATIENTLY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    maximum_interval=timedelta(minutes=1),
    non_retryable_error_types=[REJECTED],
)
UNHURRIEDLY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(hours=1))
STUBBORNLY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5))

#: Nothing can be confirmed any more.
OVER = frozenset({OnboardingStatus.CLOSING, OnboardingStatus.CLOSED, OnboardingStatus.NEEDS_ATTENTION})


@workflow.defn
class OnboardCustomer:
    """One registration."""

    @workflow.init
    def __init__(self, customer: RegisterCustomer) -> None:
        self._customer = customer
        self._ref = CustomerRef(customer.customer_id)
        self._status = OnboardingStatus.REGISTERING
        self._is_confirmed = False
        self._is_verified = False
        self._saga = Saga()

    @workflow.run
    async def run(self, _customer: RegisterCustomer) -> OnboardingEnding:
        """Drive the registration to its ending."""
        ending = await self._onboard()
        await to_the_end(workflow.wait_condition(workflow.all_handlers_finished))
        if ending is None:
            raise asyncio.CancelledError
        return ending

    @workflow.update
    async def confirm(self) -> Confirmation:
        """The customer has the letter. The same answer for every caller, now and later."""
        self._is_confirmed = True
        await workflow.wait_condition(lambda: self._is_verified or self._status in OVER)
        return Confirmation(customer_id=self._customer.customer_id, confirmed=self._is_verified)

    @confirm.validator
    def _validate_confirm(self) -> None:
        if self._status in OVER:
            raise ApplicationError("the registration has expired", type=CLOSED)

    @workflow.query
    def status(self) -> OnboardingStatus:
        """Where the registration stands."""
        return self._status

    async def _onboard(self) -> OnboardingEnding | None:
        """The ending, nothing left behind where it is not WELCOMED; None after a cancellation."""
        try:
            if not await self._created():
                return await self._turn_away()
            if not await self._confirmed():
                await to_the_end(self._remove())
                return OnboardingEnding.EXPIRED
            await to_the_end(self._welcome())
        except (asyncio.CancelledError, FailureError) as error:
            await to_the_end(self._remove())
            if is_cancelled_exception(error):
                return None
            workflow.logger.error("registration is removed: %s", error.__cause__ or error)
            return OnboardingEnding.FAILED
        return OnboardingEnding.WELCOMED

    async def _created(self) -> bool:
        self._stands(OnboardingStatus.REGISTERING)
        self._saga.register(Compensation(attempt=self._attempt_removal, insist=self._insist_on_removal))
        created = await workflow.execute_activity_method(
            OnboardingActivities.create_customer,
            self._customer,
            start_to_close_timeout=ATTEMPT_LIMIT,
            schedule_to_close_timeout=CREATE_PATIENCE,
            retry_policy=PATIENTLY,
        )
        return created.is_new

    async def _turn_away(self) -> OnboardingEnding:
        """There is nothing to undo, and nothing to say but to the owner of the address."""
        self._saga.pivot()
        self._stands(OnboardingStatus.CLOSED)
        await self._write(LetterKind.ALREADY_A_CUSTOMER)
        return OnboardingEnding.ALREADY_A_CUSTOMER

    async def _confirmed(self) -> bool:
        begun = workflow.now()
        self._stands(OnboardingStatus.AWAITING_CONFIRMATION)
        await self._write(LetterKind.CONFIRM)
        if not await self._is_confirmed_within(REMIND_AFTER - (workflow.now() - begun)):
            await self._write(LetterKind.REMIND)
            await self._is_confirmed_within(CONFIRM_WITHIN - (workflow.now() - begun))
        return self._is_confirmed

    async def _is_confirmed_within(self, timeout: timedelta) -> bool:
        try:
            await workflow.wait_condition(
                lambda: self._is_confirmed,
                timeout=max(timeout, timedelta()),
                timeout_summary="the customer has to confirm the e-mail address",
            )
        except TimeoutError:
            return False
        return True

    async def _write(self, kind: LetterKind) -> None:
        """Send a letter. One that cannot be sent for a day changes nothing: the wait goes on and ends."""
        try:
            await workflow.execute_activity_method(
                OnboardingActivities.write_letter,
                WriteLetter(kind, self._customer),
                start_to_close_timeout=MAIL_LIMIT,
                schedule_to_close_timeout=MAIL_PATIENCE,
                retry_policy=UNHURRIEDLY,
            )
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("letter %s is not sent: %s", kind, error.__cause__ or error)

    async def _welcome(self) -> None:
        self._stands(OnboardingStatus.WELCOMING)
        await workflow.execute_activity_method(
            OnboardingActivities.verify_customer,
            self._ref,
            start_to_close_timeout=ATTEMPT_LIMIT,
            retry_policy=STUBBORNLY,
        )
        self._saga.pivot()
        self._is_verified = True
        await workflow.execute_activity_method(
            OnboardingActivities.grant_welcome_credit,
            self._ref,
            start_to_close_timeout=ATTEMPT_LIMIT,
            retry_policy=STUBBORNLY,
        )
        self._stands(OnboardingStatus.WELCOMED)

    async def _remove(self) -> None:
        self._stands(OnboardingStatus.CLOSING)
        await self._saga.undo(when_stuck=lambda: self._stands(OnboardingStatus.NEEDS_ATTENTION))
        self._stands(OnboardingStatus.CLOSED)

    async def _attempt_removal(self) -> bool:
        try:
            await self._insist_on_removal(UNDO_PATIENCE)
        except FailureError as error:
            workflow.logger.error("the registration cannot be removed yet: %s", error.__cause__ or error)
            return False
        return True

    async def _insist_on_removal(self, patience: timedelta | None = None) -> None:
        await workflow.execute_activity_method(
            OnboardingActivities.expire_customer,
            self._ref,
            start_to_close_timeout=ATTEMPT_LIMIT,
            schedule_to_close_timeout=patience,
            retry_policy=STUBBORNLY,
        )

    def _stands(self, status: OnboardingStatus) -> None:
        self._status = status
        workflow.set_current_details(f"**{self._customer.customer_id}**: {status.value.replace('_', ' ').lower()}")
