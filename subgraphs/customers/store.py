"""Customers in the database. ``owner`` limits what exists to one customer; `None` hides nothing.

A registration has a row of its own, whose primary key `create`, `verify` and `expire` meet at: an expiry that overtakes
the creation it compensates wins, and the creation is refused when it arrives.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.customers.model import Credit, Customer, Expiry, NewCredit, NewCustomer
from subgraphs.kit.idempotency import Result
from subgraphs.kit.pagination import Collection
from subgraphs.kit.problem import AlreadyExists, InvalidTransition, NotFound
from subgraphs.migrations.tables import credits_, customers, orders, registrations

CUSTOMERS = Collection(customers, customers.c.id, owner=customers.c.id)


async def by_id(connection: AsyncConnection, customer_id: str, *, owner: str | None) -> Customer | None:
    """The customer, when there is one that ``owner`` may see."""
    return next(iter(await by_ids(connection, (customer_id,), owner=owner)), None)


async def by_ids(connection: AsyncConnection, ids: tuple[str, ...], *, owner: str | None) -> list[Customer]:
    """Those of ``ids`` that exist, in no particular order."""
    return [_customer(row) for row in await CUSTOMERS.by_ids(connection, ids, owner=owner)]


async def page(
    connection: AsyncConnection,
    *,
    owner: str | None,
    email: str | None,
    search: str | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[Customer], str | None]:
    """Customers by id; ``email`` is compared without case, ``search`` is part of the name or the e-mail."""
    conditions: list[ColumnElement[bool]] = []
    if owner is not None:
        conditions.append(customers.c.id == owner)
    if email is not None:
        conditions.append(func.lower(customers.c.email) == email.lower())
    if search is not None:
        matches = (column.icontains(search, autoescape=True) for column in (customers.c.name, customers.c.email))
        conditions.append(next(matches) | next(matches))
    rows, next_cursor = await CUSTOMERS.page(connection, *conditions, limit=limit, cursor=cursor)
    return [_customer(row) for row in rows], next_cursor


async def create(connection: AsyncConnection, new: NewCustomer) -> Result:
    """Registers a customer. Raises `AlreadyExists` (id or e-mail), `InvalidTransition` after its expiry."""
    customer_id = new.id or f"cust_{uuid.uuid4().hex[:16]}"
    await _register(connection, customer_id, "PENDING")
    if await _locked_state(connection, customer_id) == "EXPIRED":
        raise InvalidTransition(f"The registration of {customer_id} has expired.")
    row = {
        "id": customer_id,
        "name": new.name,
        "email": new.email.lower(),
        "member_since": func.date_trunc("second", func.now()),
        "loyalty_points": 0,
    }
    made = await connection.execute(insert(customers).values(row).on_conflict_do_nothing().returning(customers))
    if (created := made.first()) is None:
        raise AlreadyExists("There is a customer with this id or this e-mail address already.")
    return Result(201, _customer(created))


async def change(connection: AsyncConnection, customer_id: str, values: Mapping[str, Any]) -> Result:
    """Replaces the given columns. Raises `NotFound`."""
    this = customers.c.id == customer_id
    changed = update(customers).where(this).values(**values).returning(customers)
    row = (await connection.execute(changed if values else CUSTOMERS.rows.where(this))).first()
    if row is None:
        raise NotFound(f"There is no customer {customer_id}.")
    return Result(200, _customer(row))


async def verify(connection: AsyncConnection, customer_id: str) -> Result:
    """PENDING → VERIFIED. Raises `InvalidTransition` after the expiry, `NotFound` without a registration."""
    state = await _locked_state(connection, customer_id)
    if state is None:
        raise NotFound(f"There is no registration of {customer_id}.")
    if state == "EXPIRED":
        raise InvalidTransition(f"The registration of {customer_id} has expired.")
    await _becomes(connection, customer_id, "VERIFIED")
    customer = await by_id(connection, customer_id, owner=None)
    assert customer is not None  # noqa: S101  # only an expiry removes it
    return Result(200, customer)


async def expire(connection: AsyncConnection, customer_id: str) -> Result:
    """PENDING → EXPIRED, and the customer is removed. Raises `InvalidTransition` for a verified customer."""
    created = await connection.scalar(select(exists().where(customers.c.id == customer_id)))
    if not created:  # perhaps not yet: this row makes the creation wait, and then refuses it
        await _register(connection, customer_id, "EXPIRED")
    state = await _locked_state(connection, customer_id)
    has_orders = await connection.scalar(select(exists().where(orders.c.customer_id == customer_id)))
    if state in (None, "VERIFIED") or has_orders:
        raise InvalidTransition(f"{customer_id} is a customer; there is no registration to expire.")
    removed = await connection.execute(delete(customers).where(customers.c.id == customer_id).returning(customers.c.id))
    await _becomes(connection, customer_id, "EXPIRED")
    body: Expiry = {"customer_id": customer_id, "status": "EXPIRED" if removed.first() else "NONE"}
    return Result(200, body)


async def grant(connection: AsyncConnection, customer_id: str, new: NewCredit) -> Result:
    """Adds points. Raises `NotFound`, `AlreadyExists` when they were granted for this reason before."""
    this = customers.c.id == customer_id
    if await connection.scalar(select(customers.c.id).where(this).with_for_update()) is None:
        raise NotFound(f"There is no customer {customer_id}.")
    row = {"customer_id": customer_id, "reason": new.reason, "points": new.points, "granted_at": func.now()}
    granted = await connection.execute(
        insert(credits_).values(row).on_conflict_do_nothing().returning(credits_.c.reason)
    )
    if granted.first() is None:
        raise AlreadyExists(f"{customer_id} has the credit {new.reason} already.")
    more = update(customers).where(this).values(loyalty_points=customers.c.loyalty_points + new.points)
    points = await connection.scalar(more.returning(customers.c.loyalty_points))
    body: Credit = {
        "customer_id": customer_id,
        "reason": new.reason,
        "points": new.points,
        "loyalty_points": int(points or 0),
    }
    return Result(201, body)


async def _register(connection: AsyncConnection, customer_id: str, state: str) -> None:
    row = insert(registrations).values(customer_id=customer_id, state=state, asked_at=func.now())
    await connection.execute(row.on_conflict_do_nothing())


async def _locked_state(connection: AsyncConnection, customer_id: str) -> str | None:
    query = select(registrations.c.state).where(registrations.c.customer_id == customer_id).with_for_update()
    state: str | None = await connection.scalar(query)
    return state


async def _becomes(connection: AsyncConnection, customer_id: str, state: str) -> None:
    await connection.execute(
        update(registrations).where(registrations.c.customer_id == customer_id).values(state=state)
    )


def _customer(row: Row[Any]) -> Customer:
    return {
        "id": row.id,
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "address": row.address,
        "preferences": row.preferences,
        "member_since": row.member_since,
        "loyalty_points": row.loyalty_points,
        "avatar_url": row.avatar_url,
    }
