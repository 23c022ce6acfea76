"""What idempotency needs from outside: the context of an operation, as `Idempotent` finds it in ``info.context``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from matapalo.auth.viewer import Viewer
from matapalo.idempotency.claim import Claim
from matapalo.process.clock import Clock

if TYPE_CHECKING:
    from matapalo.idempotency.once import Idempotency


class IdempotentRequest(Protocol):
    """Of a request: the key of each root field by its response name (None without), and its deadline (monotonic)."""

    @property
    def idempotency_keys(self) -> Mapping[str, str | None]: ...

    @property
    def deadline_s(self) -> float: ...


class IdempotentContext(Protocol):
    """Of an operation. ``claims`` and what goes into the answer are filled as its root fields run."""

    @property
    def viewer(self) -> Viewer: ...

    @property
    def request(self) -> IdempotentRequest: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def idempotency(self) -> "Idempotency": ...

    claims: dict[str, Claim]
    response_headers: dict[str, str]
    response_extensions: dict[str, Any]

    def answered_before(self, response_key: str) -> None:
        """Told of each root field that is answered from an earlier execution."""
        ...
