"""Onboarding workflows over Temporal: what `matapalo.app` gives to resolvers as `OnboardingWorkflows`.

The workflow is `registerCustomer:<record id>`, the customer `cust_` and the first 16 characters of the record id.
"""

from collections.abc import Sequence
from datetime import timedelta

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from bff.commerce.onboarding.messages import RegisterCustomer
from bff.commerce.onboarding.ports import ConfirmAnswer, RegistrationWish
from bff.commerce.onboarding.tokens import record_of
from bff.commerce.onboarding.workflow import CONFIRM_UPDATE_ID, TASK_QUEUE, OnboardCustomer
from matapalo import BadUserInput, NotRunning, Start, UpdateRefused, Workflows, workflow_id

FIELD = "registerCustomer"
CONFIRM_TIMEOUT = timedelta(seconds=2)
CUSTOMER_ID = SearchAttributeKey.for_keyword("CustomerId")


class TemporalRegistrations:
    """One of these per BFF process. All of ``secrets`` verify tokens."""

    def __init__(self, *, workflows: Workflows, secrets: Sequence[str]) -> None:
        self._workflows = workflows
        self._secrets = secrets

    async def register(self, wish: RegistrationWish) -> bool:
        """See `OnboardingWorkflows.register`."""
        record = await self._record(wish)
        customer = RegisterCustomer(
            customer_id=f"cust_{record[:16]}",
            name=wish.name,
            email=wish.email,
            request_hash=wish.fingerprint,
            attempt_id=wish.attempt_id,
        )
        start = Start(
            workflow=OnboardCustomer.run,
            argument=customer,
            id=workflow_id(FIELD, record),
            task_queue=TASK_QUEUE,
            fingerprint=wish.fingerprint,
            search_attributes=TypedSearchAttributes([SearchAttributePair(CUSTOMER_ID, customer.customer_id)]),
            summary=f"registration of {customer.customer_id}",
        )
        return await self._workflows.start(start)

    async def confirm(self, token: str) -> ConfirmAnswer:
        """See `OnboardingWorkflows.confirm`."""
        record = record_of(self._secrets, token)
        if record is None:
            raise BadUserInput("token: this is not the code of one of our letters", field="token")
        try:
            answer = await self._workflows.update(
                workflow_id(FIELD, record),
                OnboardCustomer.confirm,
                update_id=CONFIRM_UPDATE_ID,
                timeout=CONFIRM_TIMEOUT,
            )
        except (NotRunning, UpdateRefused):
            return ConfirmAnswer.TOO_LATE
        if answer is None:
            return ConfirmAnswer.UNDER_WAY
        return ConfirmAnswer.CONFIRMED if answer.confirmed else ConfirmAnswer.TOO_LATE

    async def _record(self, wish: RegistrationWish) -> str:
        for record in wish.older_record_ids:
            if await self._workflows.exists(workflow_id(FIELD, record)):
                return record
        return wish.record_id
