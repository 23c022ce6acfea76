"""Onboarding workflows over Temporal: what resolvers have as `OnboardingWorkflows`.

The workflow is `registerCustomer:<record id>`, the customer `cust_` and the first 16 characters of the record id.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from bff.commerce.onboarding.messages import RegisterCustomerRequest
from bff.commerce.onboarding.ports import ConfirmResult
from bff.commerce.onboarding.tokens import confirmed_record_id
from bff.commerce.onboarding.workflow import CONFIRM_UPDATE_ID, TASK_QUEUE, OnboardCustomer
from matapalo import BadUserInput, NotRunning, Start, UpdateRefused, Workflows, workflow_id

FIELD = "registerCustomer"
CONFIRM_TIMEOUT = timedelta(seconds=2)
CUSTOMER_ID = SearchAttributeKey.for_keyword("CustomerId")


class TemporalRegistrations:
    """`OnboardingWorkflows` over Temporal, one per BFF process. All of ``secrets`` verify tokens."""

    def __init__(self, *, workflows: Workflows, secrets: Sequence[str]) -> None:
        self._workflows = workflows
        self._secrets = secrets

    async def register(self, request: RegisterCustomerRequest) -> bool:
        claim = await request.claim.located(lambda older: self._workflows.exists(workflow_id(FIELD, older)))
        request = replace(request, claim=claim)
        start = Start(
            workflow=OnboardCustomer.run,
            argument=request,
            id=workflow_id(FIELD, claim.record_id),
            task_queue=TASK_QUEUE,
            fingerprint=claim.fingerprint,
            search_attributes=TypedSearchAttributes([SearchAttributePair(CUSTOMER_ID, request.customer_id)]),
            summary=f"registration of {request.customer_id}",
        )
        return await self._workflows.start(start)

    async def confirm(self, token: str) -> ConfirmResult:
        record_id = confirmed_record_id(self._secrets, token)
        if record_id is None:
            raise BadUserInput("token: this is not the code of one of our emails", field="token")
        try:
            confirmation = await self._workflows.update(
                workflow_id(FIELD, record_id),
                OnboardCustomer.confirm,
                update_id=CONFIRM_UPDATE_ID,
                timeout=CONFIRM_TIMEOUT,
            )
        except (NotRunning, UpdateRefused):
            return ConfirmResult.TOO_LATE
        if confirmation is None:
            return ConfirmResult.UNDER_WAY
        return ConfirmResult.CONFIRMED if confirmation.confirmed else ConfirmResult.TOO_LATE
