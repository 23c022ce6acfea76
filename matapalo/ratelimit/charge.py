"""What one operation is charged: filled by `matapalo.ratelimit.extension`, read by resolvers and the endpoint.

One per operation, on its context. A mutation that answers from a record says so with `replayed`: such a root field
settles at 1 point.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from matapalo.ratelimit.cost.operations import OperationCost
from matapalo.ratelimit.rules.decision import Decision


class OperationCharge:
    """The cost of an operation and what the limiter said about it. ``decision`` is None until it has been asked."""

    __slots__ = ("_replayed", "actual", "cost", "decided", "decision", "requested", "returned", "variables")

    def __init__(self) -> None:
        self.cost: OperationCost | None = None
        self.variables: Mapping[str, Any] = {}
        self.requested = 0
        self.actual: int | None = None
        self.returned = 0
        self.decision: Decision | None = None
        #: Set once ``decision`` is known, or the operation was refused before it was asked for.
        self.decided = asyncio.Event()
        self._replayed: set[str] = set()

    def replayed(self, response_key: str) -> None:
        """The root field ``response_key`` is answered from a record of an earlier execution."""
        self._replayed.add(response_key)

    def counted(self, data: Mapping[str, Any] | None) -> int:
        """What ``data`` cost."""
        if self.cost is None:
            return self.requested
        return self.cost.actual(data, self.variables, self._replayed)

    @property
    def nodes(self) -> int:
        """The most objects that the operation can return."""
        return 0 if self.cost is None else self.cost.nodes(self.variables)
