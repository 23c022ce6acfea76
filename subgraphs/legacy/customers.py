"""`/api/customers` of the monolith."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit import cursor as cursors
from subgraphs.kit.call import Asked, page
from subgraphs.kit.problem import NotFound
from subgraphs.kit.wire import TEXT_PATTERN, Cursor, Ids, Limit, PathId, Search
from subgraphs.legacy.sql import Record, contains, record, records

router = APIRouter()


@router.get("/api/customers", operation_id="listCustomers")
async def list_customers(
    call: Asked,
    ids: Ids,
    email: Annotated[str | None, Query(min_length=3, max_length=254, pattern=TEXT_PATTERN)] = None,
    search: Search = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    mine = call.narrow(None)
    after = cursors.decode(cursor, str)[0] if cursor else ""
    async with call.database.reads() as connection:
        if ids is not None:
            loaded = [await load(connection, one) for one in ids if mine in (None, one)]
            return call.owned(page([customer for customer in loaded if customer]))
        keys = await records(
            connection,
            """
            SELECT id FROM customers
            WHERE id > :after
              AND (CAST(:mine AS text) IS NULL OR id = :mine)
              AND (CAST(:email AS text) IS NULL OR lower(email) = lower(:email))
              AND (CAST(:search AS text) IS NULL OR name ILIKE :search OR email ILIKE :search)
            ORDER BY id LIMIT :limit
            """,
            after=after,
            mine=mine,
            email=email,
            search=contains(search),
            limit=limit + 1,
        )
        shown, following = cursors.cut(keys, limit, lambda key: cursors.encode(key["id"]))
        return call.owned(page([await load(connection, key["id"]) for key in shown], following))


@router.get("/api/customers/{customer_id}", operation_id="getCustomer")
async def get_customer(call: Asked, customer_id: PathId) -> Response:
    async with call.database.reads() as connection:
        customer = await load(connection, customer_id) if call.caller.may_see(customer_id) else None
    if customer is None:
        raise NotFound(f"There is no customer {customer_id}.")
    return call.owned(customer)


async def load(connection: AsyncConnection, customer_id: str) -> Record | None:
    """One customer, as the API writes it."""
    return await record(
        connection,
        """
        SELECT id, name, email, phone, address, preferences, member_since, loyalty_points, avatar_url
        FROM customers WHERE id = :id
        """,
        id=customer_id,
    )
