"""The customers service: reads for their owner; registration, profile and credits for staff."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Response

from subgraphs.customers import store
from subgraphs.customers.model import Credit, Customer, CustomerList, Expiry, NewCredit, NewCustomer, ProfileChange
from subgraphs.kit.app import create_app
from subgraphs.kit.call import CurrentCall, page
from subgraphs.kit.contract_types import TEXT_PATTERN, Cursor, EmptyBody, Ids, Limit, Search, example_id
from subgraphs.kit.database import Database
from subgraphs.kit.idempotency import IdempotencyKey, run_idempotent
from subgraphs.kit.openapi import reads, writes
from subgraphs.kit.problem import NotFound
from subgraphs.kit.settings import Settings

router = APIRouter(prefix="/api/customers", tags=["customers"])
CustomerId = Annotated[str, example_id("cust_0001")]


@router.get("", operation_id="listCustomers", **reads(CustomerList))
async def list_customers(
    call: CurrentCall,
    ids: Ids,
    email: Annotated[str | None, Query(min_length=3, max_length=254, pattern=TEXT_PATTERN)] = None,
    search: Search = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Customers by id. With `ids`, exactly those, and nothing else applies."""
    owner = call.narrow(None)
    async with call.database.reads() as connection:
        if ids is not None:
            return call.owned(page(await store.by_ids(connection, ids, owner=owner)))
        items, next_cursor = await store.page(
            connection, owner=owner, email=email, search=search, limit=limit, cursor=cursor
        )
    return call.owned(page(items, next_cursor))


@router.get("/{customer_id}", operation_id="getCustomer", **reads(Customer))
async def get_customer(call: CurrentCall, customer_id: CustomerId) -> Response:
    """A customer, when it belongs to the caller."""
    async with call.database.reads() as connection:
        customer = await store.by_id(connection, customer_id, owner=call.narrow(None))
    if customer is None:
        raise NotFound(f"There is no customer {customer_id}.")
    return call.owned(customer)


@router.post("", operation_id="createCustomer", **writes(Customer, status=201, refusals=(409,)))
async def create_customer(call: CurrentCall, key: IdempotencyKey, new: NewCustomer) -> Response:
    """Registers a customer, who is removed again by `expire` unless `verify` comes first."""
    return await run_idempotent(call, key, partial(store.create, new=new))


@router.patch("/{customer_id}", operation_id="updateCustomer", **writes(Customer, refusals=(404,)))
async def update_customer(
    call: CurrentCall, key: IdempotencyKey, customer_id: CustomerId, change: ProfileChange
) -> Response:
    """Changes what the customer chose or told us."""
    values = change.model_dump(exclude_unset=True)
    return await run_idempotent(call, key, partial(store.change, customer_id=customer_id, values=values))


@router.post("/{customer_id}/verify", operation_id="verifyCustomer", **writes(Customer, refusals=(404, 409)))
async def verify_customer(call: CurrentCall, key: IdempotencyKey, customer_id: CustomerId, _: EmptyBody) -> Response:
    """The registration stands: the e-mail address is the customer's."""
    return await run_idempotent(call, key, partial(store.verify, customer_id=customer_id))


@router.post("/{customer_id}/expire", operation_id="expireCustomer", **writes(Expiry, refusals=(409,)))
async def expire_customer(call: CurrentCall, key: IdempotencyKey, customer_id: CustomerId, _: EmptyBody) -> Response:
    """Removes a registration that was never verified, also one that has not arrived yet."""
    return await run_idempotent(call, key, partial(store.expire, customer_id=customer_id))


@router.post("/{customer_id}/credits", operation_id="grantCredit", **writes(Credit, status=201, refusals=(404, 409)))
async def grant_credit(call: CurrentCall, key: IdempotencyKey, customer_id: CustomerId, new: NewCredit) -> Response:
    """Adds loyalty points, once for each reason."""
    return await run_idempotent(call, key, partial(store.grant, customer_id=customer_id, new=new))


def create(settings: Settings, database: Database) -> FastAPI:
    return create_app("customers", description=__doc__ or "", router=router, settings=settings, database=database)
