"""`/api/customers` of the monolith."""

import uuid
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit import pagination
from subgraphs.kit.call import CurrentCall, page
from subgraphs.kit.contract_types import TEXT_PATTERN, Cursor, EmptyBody, Ids, Limit, PathId, Search
from subgraphs.kit.idempotency import IdempotencyKey, Result, run_idempotent
from subgraphs.kit.problem import AlreadyExists, InvalidTransition, NotFound
from subgraphs.legacy.bodies import CreditBody, CustomerBody, ProfileBody
from subgraphs.legacy.sql import Record, contains, record, records, run

router = APIRouter()


@router.get("/api/customers", operation_id="listCustomers")
async def list_customers(
    call: CurrentCall,
    ids: Ids,
    email: Annotated[str | None, Query(min_length=3, max_length=254, pattern=TEXT_PATTERN)] = None,
    search: Search = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    mine = call.narrow(None)
    after = pagination.decode(cursor, str)[0] if cursor else ""
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
        selected, next_cursor = pagination.cut(keys, limit, lambda key: pagination.encode(key["id"]))
        return call.owned(page([await load(connection, key["id"]) for key in selected], next_cursor))


@router.get("/api/customers/{customer_id}", operation_id="getCustomer")
async def get_customer(call: CurrentCall, customer_id: PathId) -> Response:
    async with call.database.reads() as connection:
        customer = await load(connection, customer_id) if call.caller.may_see(customer_id) else None
    if customer is None:
        raise NotFound(f"There is no customer {customer_id}.")
    return call.owned(customer)


@router.post("/api/customers", operation_id="createCustomer")
async def create_customer(call: CurrentCall, key: IdempotencyKey, body: CustomerBody) -> Response:
    return await run_idempotent(call, key, partial(register, body=body))


@router.patch("/api/customers/{customer_id}", operation_id="updateCustomer")
async def update_customer(call: CurrentCall, key: IdempotencyKey, customer_id: PathId, body: ProfileBody) -> Response:
    values = body.model_dump(exclude_unset=True)
    return await run_idempotent(call, key, partial(change, customer_id=customer_id, values=values))


@router.post("/api/customers/{customer_id}/verify", operation_id="verifyCustomer")
async def verify_customer(call: CurrentCall, key: IdempotencyKey, customer_id: PathId, _: EmptyBody) -> Response:
    return await run_idempotent(call, key, partial(verify, customer_id=customer_id))


@router.post("/api/customers/{customer_id}/expire", operation_id="expireCustomer")
async def expire_customer(call: CurrentCall, key: IdempotencyKey, customer_id: PathId, _: EmptyBody) -> Response:
    return await run_idempotent(call, key, partial(expire, customer_id=customer_id))


@router.post("/api/customers/{customer_id}/credits", operation_id="grantCredit")
async def grant_credit(call: CurrentCall, key: IdempotencyKey, customer_id: PathId, body: CreditBody) -> Response:
    return await run_idempotent(call, key, partial(grant, customer_id=customer_id, body=body))


async def register(connection: AsyncConnection, body: CustomerBody) -> Result:
    customer_id = body.id or f"cust_{uuid.uuid4().hex[:16]}"
    await _note(connection, customer_id, "PENDING")
    if await _locked_state(connection, customer_id) == "EXPIRED":
        raise InvalidTransition(f"The registration of {customer_id} has expired.")
    created = await run(
        connection,
        """
        INSERT INTO customers (id, name, email, member_since, loyalty_points)
        VALUES (:id, :name, :email, date_trunc('second', now()), 0)
        ON CONFLICT DO NOTHING
        """,
        id=customer_id,
        name=body.name,
        email=body.email.lower(),
    )
    if not created:
        raise AlreadyExists("There is a customer with this id or this e-mail address already.")
    return await _respond(connection, 201, customer_id)


async def change(connection: AsyncConnection, customer_id: str, values: dict[str, Any]) -> Result:
    if await load(connection, customer_id) is None:
        raise NotFound(f"There is no customer {customer_id}.")
    for column, value in values.items():
        statement = {
            "name": "UPDATE customers SET name = :value WHERE id = :id",
            "phone": "UPDATE customers SET phone = :value WHERE id = :id",
            "address": "UPDATE customers SET address = CAST(:value AS jsonb) WHERE id = :id",
            "preferences": "UPDATE customers SET preferences = CAST(:value AS jsonb) WHERE id = :id",
        }[column]
        stored = orjson.dumps(value).decode() if isinstance(value, dict) else value
        await run(connection, statement, id=customer_id, value=stored)
    return await _respond(connection, 200, customer_id)


async def verify(connection: AsyncConnection, customer_id: str) -> Result:
    state = await _locked_state(connection, customer_id)
    if state is None:
        raise NotFound(f"There is no registration of {customer_id}.")
    if state == "EXPIRED":
        raise InvalidTransition(f"The registration of {customer_id} has expired.")
    await _becomes(connection, customer_id, "VERIFIED")
    return await _respond(connection, 200, customer_id)


async def expire(connection: AsyncConnection, customer_id: str) -> Result:
    if await load(connection, customer_id) is None:  # perhaps not yet: this row makes it wait, and then refuses it
        await _note(connection, customer_id, "EXPIRED")
    state = await _locked_state(connection, customer_id)
    ordered = await record(connection, "SELECT id FROM orders WHERE customer_id = :id LIMIT 1", id=customer_id)
    if state in (None, "VERIFIED") or ordered:
        raise InvalidTransition(f"{customer_id} is a customer; there is no registration to expire.")
    gone = await run(connection, "DELETE FROM customers WHERE id = :id", id=customer_id)
    await _becomes(connection, customer_id, "EXPIRED")
    return Result(200, {"customer_id": customer_id, "status": "EXPIRED" if gone else "NONE"})


async def grant(connection: AsyncConnection, customer_id: str, body: CreditBody) -> Result:
    if await record(connection, "SELECT id FROM customers WHERE id = :id FOR UPDATE", id=customer_id) is None:
        raise NotFound(f"There is no customer {customer_id}.")
    granted = await run(
        connection,
        """
        INSERT INTO credits (customer_id, reason, points, granted_at) VALUES (:id, :reason, :points, now())
        ON CONFLICT DO NOTHING
        """,
        id=customer_id,
        reason=body.reason,
        points=body.points,
    )
    if not granted:
        raise AlreadyExists(f"{customer_id} has the credit {body.reason} already.")
    await run(
        connection,
        "UPDATE customers SET loyalty_points = loyalty_points + :points WHERE id = :id",
        id=customer_id,
        points=body.points,
    )
    customer = await load(connection, customer_id)
    assert customer is not None  # noqa: S101  # locked above
    return Result(
        201,
        {
            "customer_id": customer_id,
            "reason": body.reason,
            "points": body.points,
            "loyalty_points": customer["loyalty_points"],
        },
    )


async def _note(connection: AsyncConnection, customer_id: str, state: str) -> None:
    await run(
        connection,
        """
        INSERT INTO registrations (customer_id, state, asked_at) VALUES (:id, :state, now()) ON CONFLICT DO NOTHING
        """,
        id=customer_id,
        state=state,
    )


async def _locked_state(connection: AsyncConnection, customer_id: str) -> str | None:
    row = await record(connection, "SELECT state FROM registrations WHERE customer_id = :id FOR UPDATE", id=customer_id)
    return None if row is None else str(row["state"])


async def _becomes(connection: AsyncConnection, customer_id: str, state: str) -> None:
    await run(
        connection, "UPDATE registrations SET state = :state WHERE customer_id = :id", id=customer_id, state=state
    )


async def _respond(connection: AsyncConnection, status: int, customer_id: str) -> Result:
    customer = await load(connection, customer_id)
    assert customer is not None  # noqa: S101  # written or locked a moment ago in this transaction
    return Result(status, customer)


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
