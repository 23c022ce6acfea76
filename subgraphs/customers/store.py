"""Customers in the database. ``owner`` limits what exists to one customer; `None` hides nothing.

A registration has a row of its own, whose primary key `create`, `verify` and `expire` meet at: an expiry that overtakes
the creation it undoes wins, and the creation is refused when it arrives.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.customers.model import Credit, Customer, Expiry, NewCredit, NewCustomer
from subgraphs.kit import cursor as cursors
from subgraphs.kit.idempotency import Answer
from subgraphs.kit.problem import AlreadyExists, InvalidTransition, NotFound
from subgraphs.migrations.tables import credits_, customers, orders, registrations

ROWS = select(customers)


async def by_id(connection: AsyncConnection, customer_id: str, *, owner: str | None) -> Customer | None:
    """The customer, when there is one that ``owner`` may see."""
    found = await by_ids(connection, (customer_id,), owner=owner)
    return found[0] if found else None


async def by_ids(connection: AsyncConnection, ids: tuple[str, ...], *, owner: str | None) -> list[Customer]:
    """Those of ``ids`` that exist, in no particular order."""
    wanted = ids if owner is None else tuple(one for one in ids if one == owner)
    rows = await connection.execute(ROWS.where(customers.c.id == func.any(list(wanted))))
    return [_customer(row) for row in rows]


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
    if cursor is not None:
        (after,) = cursors.decode(cursor, str)
        conditions.append(customers.c.id > after)
    rows = (await connection.execute(ROWS.where(*conditions).order_by(customers.c.id).limit(limit + 1))).all()
    shown, following = cursors.cut(rows, limit, lambda row: cursors.encode(row.id))
    return [_customer(row) for row in shown], following


async def create(connection: AsyncConnection, new: NewCustomer) -> Answer:
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
    return Answer(201, _customer(created))


async def change(connection: AsyncConnection, customer_id: str, values: Mapping[str, Any]) -> Answer:
    """Replaces the given columns. Raises `NotFound`."""
    this = customers.c.id == customer_id
    wanted = update(customers).where(this).values(**values).returning(customers) if values else ROWS.where(this)
    row = (await connection.execute(wanted)).first()
    if row is None:
        raise NotFound(f"There is no customer {customer_id}.")
    return Answer(200, _customer(row))


async def verify(connection: AsyncConnection, customer_id: str) -> Answer:
    """PENDING → VERIFIED. Raises `InvalidTransition` after the expiry, `NotFound` where nobody registered."""
    state = await _locked_state(connection, customer_id)
    if state is None:
        raise NotFound(f"There is no registration of {customer_id}.")
    if state == "EXPIRED":
        raise InvalidTransition(f"The registration of {customer_id} has expired.")
    await _becomes(connection, customer_id, "VERIFIED")
    customer = await by_id(connection, customer_id, owner=None)
    assert customer is not None  # noqa: S101  # only an expiry removes it
    return Answer(200, customer)


async def expire(connection: AsyncConnection, customer_id: str) -> Answer:
    """PENDING → EXPIRED, and the customer is gone. Raises `InvalidTransition` for whoever is a customer for good."""
    known = await connection.scalar(select(exists().where(customers.c.id == customer_id)))
    if not known:  # perhaps not yet: this row makes it wait, and then refuses it
        await _register(connection, customer_id, "EXPIRED")
    state = await _locked_state(connection, customer_id)
    has_orders = await connection.scalar(select(exists().where(orders.c.customer_id == customer_id)))
    if state in (None, "VERIFIED") or has_orders:
        raise InvalidTransition(f"{customer_id} is a customer; there is no registration to expire.")
    gone = await connection.execute(delete(customers).where(customers.c.id == customer_id).returning(customers.c.id))
    await _becomes(connection, customer_id, "EXPIRED")
    body: Expiry = {"customer_id": customer_id, "status": "EXPIRED" if gone.first() else "NONE"}
    return Answer(200, body)


async def grant(connection: AsyncConnection, customer_id: str, new: NewCredit) -> Answer:
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
    return Answer(201, body)


async def _register(connection: AsyncConnection, customer_id: str, state: str) -> None:
    row = insert(registrations).values(customer_id=customer_id, state=state, asked_at=func.now())
    await connection.execute(row.on_conflict_do_nothing())


async def _locked_state(connection: AsyncConnection, customer_id: str) -> str | None:
    wanted = select(registrations.c.state).where(registrations.c.customer_id == customer_id).with_for_update()
    state: str | None = await connection.scalar(wanted)
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
