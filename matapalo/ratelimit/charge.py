"""What one operation is charged: filled by `matapalo.ratelimit.extension`, read by resolvers and the endpoint.

One per operation, on its context. A mutation whose response comes from a record says so with `replayed`: such a root
field settles at 1 point.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from matapalo.ratelimit.cost.operations import OperationCost
from matapalo.ratelimit.rules.decision import Decision, RateLimitReservation


class OperationCharge:
    """The cost of an operation and the limiter's decision about it, None until there is one."""

    __slots__ = ("_replayed", "actual", "cost", "decided", "decision", "requested", "returned", "variables")

    def __init__(self) -> None:
        self.cost: OperationCost | None = None
        self.variables: Mapping[str, Any] = {}
        self.requested = 0
        self.actual: int | None = None
        self.returned = 0
        self.decision: Decision | None = None
        #: Set once ``decision`` is there, or the operation was denied before the limiter was called.
        self.decided = asyncio.Event()
        self._replayed: set[str] = set()

    @property
    def reservation(self) -> RateLimitReservation | None:
        """What the operation holds; None when it was denied, or is not decided yet."""
        return None if self.decision is None else self.decision.reservation

    @property
    def nodes(self) -> int:
        """The most objects that the operation can return."""
        return 0 if self.cost is None else self.cost.nodes(self.variables)

    def replayed(self, response_key: str) -> None:
        """Note that the root field ``response_key`` comes from a record of an earlier execution."""
        self._replayed.add(response_key)

    def actual_cost(self, data: Mapping[str, Any] | None) -> int:
        """What the ``data`` of the result cost, counted by the weights of the estimate."""
        if self.cost is None:
            return self.requested
        return self.cost.actual(data, self.variables, self._replayed)
