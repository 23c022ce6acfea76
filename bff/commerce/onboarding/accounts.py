"""The customers service over `matapalo.rest`: the `Accounts` port of the worker."""

from collections.abc import Mapping
from typing import Any

from bff.commerce.onboarding.messages import CreatedCustomer, CustomerRef, RegisterCustomerRequest
from matapalo import Clock, IdempotentCall, RestPool, UpstreamRejected


class RestAccounts:
    """The service over HTTP, one per worker process."""

    def __init__(self, pool: RestPool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def create(self, customer: RegisterCustomerRequest, call: IdempotentCall) -> CreatedCustomer:
        body = {"id": customer.customer_id, "name": customer.name, "email": customer.email}
        try:
            await self._post("/api/customers", body, customer.customer_id, call)
        except UpstreamRejected as rejected:
            if rejected.problem.slug != "already-exists":
                raise
            return CreatedCustomer(is_new=False)
        return CreatedCustomer(is_new=True)

    async def verify(self, customer: CustomerRef, call: IdempotentCall) -> None:
        await self._of(customer, "verify", {}, call)

    async def credit(self, customer: CustomerRef, points: int, call: IdempotentCall) -> None:
        await self._of(customer, "credits", {"reason": "welcome", "points": points}, call)

    async def expire(self, customer: CustomerRef, call: IdempotentCall) -> None:
        """`POST /api/customers/{id}/expire`, after which a creation that was under way is refused."""
        await self._of(customer, "expire", {}, call)

    async def _of(self, customer: CustomerRef, verb: str, body: Mapping[str, Any], call: IdempotentCall) -> None:
        await self._post(f"/api/customers/{customer.customer_id}/{verb}", body, customer.customer_id, call)

    async def _post(self, path: str, body: Mapping[str, Any], customer_id: str, call: IdempotentCall) -> None:
        headers = {"x-user-id": customer_id, "x-role": "service"}
        deadline_s = self._clock.monotonic_s() + call.timeout.total_seconds()
        rest = self._pool.client(headers=headers, deadline_s=deadline_s)
        await rest.send("POST", path, body, into=dict, idempotency_key=call.idempotency_key)
