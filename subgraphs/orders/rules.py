"""What may happen to an order, and what it costs. Pure.

PENDING ──confirm──▶ CONFIRMED ──ship──▶ SHIPPED ──▶ DELIVERED
   └──────cancel────────┴──▶ CANCELLED
"""

from collections.abc import Iterable
from typing import Literal

from subgraphs.kit.problem import InvalidTransition
from subgraphs.orders.model import Status

Step = Literal["confirm", "ship", "cancel"]

_STEPS: dict[Step, tuple[frozenset[Status], Status]] = {
    "confirm": (frozenset({"PENDING"}), "CONFIRMED"),
    "ship": (frozenset({"CONFIRMED"}), "SHIPPED"),
    "cancel": (frozenset({"PENDING", "CONFIRMED"}), "CANCELLED"),
}


def after(status: Status, step: Step, *, order_id: str) -> Status:
    """The status after ``step``; raises `InvalidTransition` when an order in ``status`` does not allow it."""
    allowed, result = _STEPS[step]
    if status not in allowed:
        raise InvalidTransition(f"Order {order_id} is {status}; it cannot be changed by '{step}'.")
    return result


def total_minor(lines: Iterable[tuple[int, int]]) -> int:
    """The sum of ``(quantity, unit price in minor units)``."""
    return sum(quantity * unit_price for quantity, unit_price in lines)
