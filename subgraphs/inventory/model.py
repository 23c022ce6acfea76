"""The wire shapes of stock and reservations."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from subgraphs.kit.contract_types import WHOLE, Body, Id

Quantity = Annotated[int, Field(ge=1, le=99, examples=[1]), WHOLE]


class Stock(TypedDict):
    """Units of a product: free to promise, and promised to orders."""

    product_id: Annotated[Id, Field(examples=["prod_0001"])]
    available: Annotated[int, Field(ge=0)]
    reserved: Annotated[int, Field(ge=0)]


class StockList(TypedDict):
    """A page of stock, by product id."""

    items: list[Stock]
    next_cursor: str | None


class ReservedItem(TypedDict):
    """Units of a product held for an order."""

    product_id: Id
    quantity: int


class Reservation(TypedDict):
    """What is held for an order, or was until this call. NONE: nothing was ever held."""

    order_id: Id
    status: Literal["RESERVED", "RELEASED", "NONE"]
    items: list[ReservedItem]


class Item(Body):
    """Units of a product to hold."""

    product_id: Annotated[Id, Field(examples=["prod_0001"])]
    quantity: Quantity


class NewReservation(Body):
    """Everything an order needs, at once."""

    order_id: Annotated[Id, Field(examples=["ord_00001"])]
    items: Annotated[list[Item], Field(min_length=1, max_length=50)]
