"""A payment, as `GET /api/payments` returns it."""

from datetime import datetime
from enum import Enum

import msgspec

from bff.commerce.money import Money


class PaymentStatus(Enum):
    """What became of the money."""

    CHARGED = "CHARGED"
    REFUNDED = "REFUNDED"


class Payment(msgspec.Struct, frozen=True):
    """Money charged for an order."""

    id: str
    order_id: str
    customer_id: str
    amount: Money
    status: PaymentStatus
    method: str
    created_at: datetime
