"""The wire shapes of orders."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from subgraphs.kit.contract_types import WHOLE, Body, Id, Money, Reason

Status = Literal["PENDING", "CONFIRMED", "SHIPPED", "DELIVERED", "CANCELLED"]


class OrderLine(TypedDict):
    """What was bought, with the name and price of that day."""

    product_id: Id
    product_name: str
    quantity: int
    unit_price: Money


class Order(TypedDict):
    """An order. `items_count` is the sum of the quantities."""

    id: Annotated[Id, Field(examples=["ord_00001"])]
    customer_id: Annotated[Id, Field(examples=["cust_0001"])]
    placed_at: datetime
    status: Status
    total: Money
    items_count: int
    items: list[OrderLine]
    cancel_reason: str | None


class OrderList(TypedDict):
    """A page of orders, newest first."""

    items: list[Order]
    next_cursor: str | None


class OrdersOfCustomer(TypedDict):
    """The newest orders of one customer; `next_cursor` continues in `GET /api/orders?customer_id=`."""

    customer_id: Id
    items: list[Order]
    next_cursor: str | None


class OrdersByCustomer(TypedDict):
    """One entry a customer, in no particular order. A customer without orders has an empty one."""

    items: list[OrdersOfCustomer]


class OrderSummary(TypedDict):
    """A customer's orders in figures. Cancelled ones are not counted."""

    customer_id: Id
    order_count: int
    total_spent: Money
    favorite_categories: Annotated[list[str], Field(max_length=3, description="By units bought, most first.")]


class NewLine(Body):
    """A product to order. The price is looked up, never sent."""

    product_id: Annotated[Id, Field(examples=["prod_0001"])]
    quantity: Annotated[int, Field(ge=1, le=99, examples=[1]), WHOLE]


class NewOrder(Body):
    """An order to place. A client that retries may choose the id."""

    id: Annotated[str | None, Field(pattern="^ord_[a-z0-9_]{1,40}$")] = None
    customer_id: Annotated[Id, Field(examples=["cust_0001"])]
    items: Annotated[list[NewLine], Field(min_length=1, max_length=50)]


class Confirmation(Body):
    """The payment that confirms an order."""

    payment_id: Annotated[Id, Field(examples=["pay_00001"])]


class Dispatch(Body):
    """The shipment an order left with."""

    shipment_id: Annotated[Id, Field(examples=["ship_00001"])]


class Cancellation(Body):
    """Why an order is cancelled."""

    reason: Annotated[Reason, Field(examples=["Changed my mind"])]


class Withdrawal(TypedDict):
    """CANCELLED when there was an order, NONE when there was none; then none can be created by this id any more."""

    order_id: Id
    status: Literal["CANCELLED", "NONE"]
