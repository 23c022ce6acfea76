"""The customers service of onboarding in memory, with faults: stands in for `Accounts` and for `Mailer`."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from bff.commerce.mail import Email
from bff.commerce.onboarding.messages import CreatedCustomer, CustomerRef, RegisterCustomerRequest
from matapalo.errors import Problem, UpstreamRejected
from matapalo.workflows.activity import IdempotentCall


@dataclass
class FakeAccounts:
    """Customers by id, what happened to each, and the emails in their order."""

    addresses: set[str] = field(default_factory=set)
    customers: dict[str, str] = field(default_factory=dict)
    effects: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    emails: list[Email] = field(default_factory=list)
    always: dict[str, Callable[[], Exception]] = field(default_factory=dict)
    _expired: set[str] = field(default_factory=set)
    _done: set[str] = field(default_factory=set)

    async def create(self, customer: RegisterCustomerRequest, call: IdempotentCall) -> CreatedCustomer:
        self._fail("create")
        if self._is_first(call):
            if customer.customer_id in self._expired:
                problem = Problem(status=409, slug="invalid-transition", title="expired before it was created")
                raise UpstreamRejected("too late", problem=problem)
            if customer.email in self.addresses:
                return CreatedCustomer(is_new=False)
            self.addresses.add(customer.email)
            self.customers[customer.customer_id] = customer.email
            self.effects[customer.customer_id].append("create")
        return CreatedCustomer(is_new=customer.customer_id in self.customers)

    async def verify(self, customer: CustomerRef, call: IdempotentCall) -> None:
        self._fail("verify")
        if self._is_first(call):
            self.effects[customer.customer_id].append("verify")

    async def credit(self, customer: CustomerRef, points: int, call: IdempotentCall) -> None:
        self._fail("credit")
        if self._is_first(call):
            self.effects[customer.customer_id].append(f"credit {points}")

    async def expire(self, customer: CustomerRef, call: IdempotentCall) -> None:
        self._fail("expire")
        self._expired.add(customer.customer_id)
        email = self.customers.pop(customer.customer_id, None)
        if email is not None:
            self.addresses.discard(email)
            self.effects[customer.customer_id].append("expire")

    async def send(self, email: Email) -> None:
        self._fail("send")
        self.emails.append(email)

    def _is_first(self, call: IdempotentCall) -> bool:
        is_first = call.idempotency_key not in self._done
        self._done.add(call.idempotency_key)
        return is_first

    def _fail(self, call: str) -> None:
        if call in self.always:
            raise self.always[call]()
