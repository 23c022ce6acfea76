"""The wire shapes of shipments."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from subgraphs.kit.contract_types import Body, Id


class Shipment(TypedDict):
    """A parcel. One an order."""

    id: Annotated[Id, Field(examples=["ship_00001"])]
    order_id: Id
    customer_id: Id
    carrier: str
    tracking_number: str
    tracking_url: str
    status: Literal["IN_TRANSIT", "DELIVERED"]
    shipped_at: datetime


class ShipmentList(TypedDict):
    """A page of shipments, newest first."""

    items: list[Shipment]
    next_cursor: str | None


class NewShipment(Body):
    """An order to hand to a carrier."""

    order_id: Annotated[Id, Field(examples=["ord_00001"])]
    customer_id: Annotated[Id, Field(examples=["cust_0391"])]
