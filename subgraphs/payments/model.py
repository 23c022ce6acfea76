"""The wire shapes of payments."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from subgraphs.kit.contract_types import WHOLE, Body, Id, Money


class Payment(TypedDict):
    """Money taken for an order, or given back."""

    id: Annotated[Id, Field(examples=["pay_00001"])]
    order_id: Id
    customer_id: Id
    amount: Money
    status: Literal["CHARGED", "REFUNDED"]
    method: str
    created_at: datetime


class PaymentList(TypedDict):
    """A page of payments, newest first."""

    items: list[Payment]
    next_cursor: str | None


class Refund(TypedDict):
    """`refunded`: whether money that was taken has been given back, by this call or an earlier one."""

    order_id: Id
    refunded: bool


class Amount(Body):
    """The money to charge."""

    amount_minor: Annotated[int, Field(ge=1, le=100_000_000, examples=[1999]), WHOLE]
    currency: Literal["EUR"]


class NewPayment(Body):
    """A charge. No method is the default card; `pm_declined` declines, `pm_timeout` charges and never responds."""

    order_id: Annotated[Id, Field(examples=["ord_00001"])]
    customer_id: Annotated[Id, Field(examples=["cust_0391"])]
    amount: Amount
    payment_method_id: Annotated[Id | None, Field(examples=["pm_card"])] = None


class NewRefund(Body):
    """Give back whatever was taken for this order."""

    order_id: Annotated[Id, Field(examples=["ord_00001"])]
