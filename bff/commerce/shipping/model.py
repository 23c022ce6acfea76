"""A shipment, as `GET /api/shipping` returns it."""

from datetime import datetime
from enum import Enum

import msgspec


class ShipmentStatus(Enum):
    """Where a parcel is."""

    IN_TRANSIT = "IN_TRANSIT"
    DELIVERED = "DELIVERED"


class Shipment(msgspec.Struct, frozen=True):
    """The parcel of an order."""

    id: str
    order_id: str
    customer_id: str
    carrier: str
    tracking_number: str
    tracking_url: str
    status: ShipmentStatus
    shipped_at: datetime
