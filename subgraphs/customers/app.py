"""The customers service: read only, own data only."""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Response

from subgraphs.customers import store
from subgraphs.customers.model import Customer, CustomerList
from subgraphs.kit.app import create_app
from subgraphs.kit.call import Asked, page
from subgraphs.kit.database import Database
from subgraphs.kit.openapi import reads
from subgraphs.kit.problem import NotFound
from subgraphs.kit.settings import Settings
from subgraphs.kit.wire import TEXT_PATTERN, Cursor, Ids, Limit, Search, example_id

router = APIRouter(prefix="/api/customers", tags=["customers"])
CustomerId = Annotated[str, example_id("cust_0001")]


@router.get("", operation_id="listCustomers", **reads(CustomerList))
async def list_customers(
    call: Asked,
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
        items, following = await store.page(
            connection, owner=owner, email=email, search=search, limit=limit, cursor=cursor
        )
    return call.owned(page(items, following))


@router.get("/{customer_id}", operation_id="getCustomer", **reads(Customer))
async def get_customer(call: Asked, customer_id: CustomerId) -> Response:
    """One customer."""
    async with call.database.reads() as connection:
        customer = await store.by_id(connection, customer_id, owner=call.narrow(None))
    if customer is None:
        raise NotFound(f"There is no customer {customer_id}.")
    return call.owned(customer)


def create(settings: Settings, database: Database) -> FastAPI:
    """The service."""
    return create_app("customers", description=__doc__ or "", router=router, settings=settings, database=database)
