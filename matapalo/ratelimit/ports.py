"""What the limiter's extension reads of a request, and what it needs to decide."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from matapalo.auth.viewer import Viewer
from matapalo.ratelimit.charge import Charge
from matapalo.ratelimit.decision import Decision, Kind, Reservation


class Facts(Protocol):
    """Facts of a request (`matapalo.graphql.request.RequestFacts`)."""

    @property
    def client_ip(self) -> str: ...


class LimitedContext(Protocol):
    """The context of an operation. Without a ``charge`` nothing is limited."""

    @property
    def viewer(self) -> Viewer: ...

    @property
    def request(self) -> Facts: ...

    @property
    def charge(self) -> Charge | None: ...

    @property
    def response_headers(self) -> dict[str, str]: ...


class Reserves(Protocol):
    """The part of `matapalo.ratelimit.limiter.Limiter` that operations need."""

    async def reserve(self, subject: str, tier: str, *, cost: int, kind: Kind) -> Decision: ...

    def recall(self, subject: str, tier: str, kind: Kind) -> Decision | None: ...

    def settle(self, reservation: Reservation, actual_cost: int) -> int: ...

    def hold(self, reservation: Reservation) -> AbstractAsyncContextManager[None]: ...
