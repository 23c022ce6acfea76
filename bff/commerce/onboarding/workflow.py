"""The onboarding workflow: create → confirmation email → wait for the confirmation → verify → welcome credit.

The wait lasts seven days, with one reminder; then the registration is removed and its e-mail address free again. An
address of another customer ends it with an email to that customer: the caller learns nothing either way, since
`registerCustomer` returns before the first step. What was verified is never removed.

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
        EmailTemplate,
        OnboardingEnding,
        OnboardingStatus,
        RegisterCustomerRequest,
        SendEmail,
    )
    from matapalo import REJECTED, RETRY_FOREVER, Compensation, Saga, to_the_end

TASK_QUEUE = "onboarding"
CONFIRM_UPDATE_ID = "confirm"
CLOSED = "Closed"

#: Of one attempt (start to close).
ATTEMPT_TIMEOUT = timedelta(seconds=5)
EMAIL_ATTEMPT_TIMEOUT = timedelta(seconds=30)

#: Of all attempts together (schedule to close).
CREATE_TIMEOUT = timedelta(hours=1)
EMAIL_TIMEOUT = timedelta(days=1)

CONFIRM_WITHIN = timedelta(days=7)
REMIND_AFTER = timedelta(days=5)

#: No client waits for these: slower than `RETRY_DEFAULT`.
RETRY_CREATE = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    maximum_interval=timedelta(minutes=1),
    non_retryable_error_types=[REJECTED],
)
RETRY_EMAIL = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(hours=1))

#: Nothing can be confirmed any more.
OVER = frozenset({OnboardingStatus.CLOSING, OnboardingStatus.CLOSED, OnboardingStatus.NEEDS_ATTENTION})


@workflow.defn
class OnboardCustomer:
    """Onboards one customer, from the registration to the welcome credit."""

    @workflow.init
    def __init__(self, request: RegisterCustomerRequest) -> None:
        self._request = request
        self._ref = CustomerRef(request.customer_id)
        self._status = OnboardingStatus.REGISTERING
        self._is_confirmed = False
        self._is_verified = False
        self._saga = Saga()

    @workflow.run
    async def run(self, _request: RegisterCustomerRequest) -> OnboardingEnding:
        """Drive the registration to its ending."""
        ending = await self._onboard()
        await to_the_end(workflow.wait_condition(workflow.all_handlers_finished))
        if ending is None:
            raise asyncio.CancelledError
        return ending

    @workflow.update
    async def confirm(self) -> Confirmation:
        """The customer has the email. The same result for every caller, now and later."""
        self._is_confirmed = True
        await workflow.wait_condition(lambda: self._is_verified or self._status in OVER)
        return Confirmation(customer_id=self._ref.customer_id, confirmed=self._is_verified)

    @confirm.validator
    def _validate_confirm(self) -> None:
        if self._status in OVER:
            raise ApplicationError("the registration has expired", type=CLOSED)

    @workflow.query
    def status(self) -> OnboardingStatus:
        """The status of the registration now."""
        return self._status

    async def _onboard(self) -> OnboardingEnding | None:
        """The ending, nothing left behind where it is not WELCOMED; None after a cancellation."""
        try:
            if not await self._created():
                return await self._reject_duplicate()
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
        self._set_status(OnboardingStatus.REGISTERING)
        self._saga.register(Compensation("the registration", self._expire))
        created = await workflow.execute_activity_method(
            OnboardingActivities.create_customer,
            self._request,
            start_to_close_timeout=ATTEMPT_TIMEOUT,
            schedule_to_close_timeout=CREATE_TIMEOUT,
            retry_policy=RETRY_CREATE,
        )
        return created.is_new

    async def _reject_duplicate(self) -> OnboardingEnding:
        """There is nothing to compensate, and nothing to say but to the owner of the address."""
        self._saga.pivot()
        self._set_status(OnboardingStatus.CLOSED)
        await self._send(EmailTemplate.ALREADY_A_CUSTOMER)
        return OnboardingEnding.ALREADY_A_CUSTOMER

    async def _confirmed(self) -> bool:
        begun = workflow.now()
        self._set_status(OnboardingStatus.AWAITING_CONFIRMATION)
        await self._send(EmailTemplate.CONFIRM)
        if not await self._is_confirmed_within(REMIND_AFTER - (workflow.now() - begun)):
            await self._send(EmailTemplate.REMIND)
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

    async def _send(self, template: EmailTemplate) -> None:
        """Send an email. One that cannot be sent for a day changes nothing: the wait goes on and ends."""
        try:
            await workflow.execute_activity_method(
                OnboardingActivities.send_email,
                SendEmail(template, self._request),
                start_to_close_timeout=EMAIL_ATTEMPT_TIMEOUT,
                schedule_to_close_timeout=EMAIL_TIMEOUT,
                retry_policy=RETRY_EMAIL,
            )
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("email %s is not sent: %s", template, error.__cause__ or error)

    async def _welcome(self) -> None:
        self._set_status(OnboardingStatus.WELCOMING)
        await workflow.execute_activity_method(
            OnboardingActivities.verify_customer,
            self._ref,
            start_to_close_timeout=ATTEMPT_TIMEOUT,
            retry_policy=RETRY_FOREVER,
        )
        self._saga.pivot()
        self._is_verified = True
        await workflow.execute_activity_method(
            OnboardingActivities.grant_welcome_credit,
            self._ref,
            start_to_close_timeout=ATTEMPT_TIMEOUT,
            retry_policy=RETRY_FOREVER,
        )
        self._set_status(OnboardingStatus.WELCOMED)

    async def _remove(self) -> None:
        self._set_status(OnboardingStatus.CLOSING)
        await self._saga.compensate(
            on_failure=lambda step, error: workflow.logger.error(
                "%s cannot be compensated yet: %s", step, error.__cause__ or error
            ),
            when_stuck=lambda: self._set_status(OnboardingStatus.NEEDS_ATTENTION),
        )
        self._set_status(OnboardingStatus.CLOSED)

    async def _expire(self, timeout: timedelta | None) -> None:
        await workflow.execute_activity_method(
            OnboardingActivities.expire_customer,
            self._ref,
            start_to_close_timeout=ATTEMPT_TIMEOUT,
            schedule_to_close_timeout=timeout,
            retry_policy=RETRY_FOREVER,
        )

    def _set_status(self, status: OnboardingStatus) -> None:
        self._status = status
        workflow.set_current_details(f"**{self._ref.customer_id}**: {status.value.replace('_', ' ').lower()}")
