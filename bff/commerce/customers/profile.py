"""What customers change about themselves. ``changes`` holds only what is to change, by the service's names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bff.commerce.context import Context
from bff.commerce.customers.loaders import load_customers
from bff.commerce.customers.model import Customer
from bff.commerce.rest import write
from matapalo import BadUserInput, Claim, Forbidden, NotFound, Replay, UpstreamRejected


@dataclass(frozen=True, slots=True)
class ProfileUpdated:
    """The customer as they are now."""

    customer: Customer


async def update_profile(context: Context, claim: Claim, changes: Mapping[str, Any]) -> ProfileUpdated:
    """Change the viewer's profile. Raises `BadUserInput` naming the field."""
    customer_id = context.subject()
    if context.viewer.role != "customer":
        raise Forbidden("only customers have a profile")
    if "name" in changes and changes["name"] is None:
        raise BadUserInput("input.name: a customer has a name", field="input.name")
    path = f"/api/customers/{customer_id}"
    try:
        customer = await write(context, claim, "change", "PATCH", path, changes, into=Customer)
    except UpstreamRejected as rejected:
        if rejected.problem.slug == "not-found":
            raise NotFound("you are no customer of ours") from rejected
        raise
    context.loads.clear()
    return ProfileUpdated(customer)


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """What is stored of an update: no personal data."""

    customer_id: str


async def _restore(context: Any, stored: StoredProfile) -> ProfileUpdated:
    customer = await context.loads.one(load_customers, stored.customer_id)
    if customer is None:
        raise NotFound("you are no customer of ours")
    return ProfileUpdated(customer)


PROFILE = Replay(StoredProfile, store=lambda outcome: StoredProfile(outcome.customer.id), restore=_restore)
