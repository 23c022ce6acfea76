"""What a resolver finds in ``info.context``: one per operation, made by `matapalo.app`, closed by the endpoint.

A project adds what is its own by a subclass: ``context`` in `matapalo.toml` names a function from `Resources` to what
makes one (the subclass itself, with its own fields bound).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from matapalo.auth.viewer import Viewer
from matapalo.errors import Unauthenticated
from matapalo.execution.loads import Loads
from matapalo.graphql.request import GraphQLRequest
from matapalo.idempotency.claim import Claim
from matapalo.idempotency.runner import Idempotency
from matapalo.process.clock import Clock
from matapalo.ratelimit.charge import OperationCharge
from matapalo.resources import Resources
from matapalo.rest.client import RestClient


@dataclass(slots=True, eq=False, kw_only=True)
class Context:
    """Everything with the lifetime of one operation.

    ``rest`` is bound to the viewer's identity and to the deadline of ``request``; ``loads`` batches and caches what is
    read through it. ``idempotency`` runs mutations once, ``claims`` has one for each root field (`claim_of`).
    ``charge`` is what the operation costs and how the viewer's limits stand, None where nothing is limited.
    ``response_*`` go into the response.
    """

    viewer: Viewer
    request: GraphQLRequest
    clock: Clock
    rest: RestClient
    idempotency: Idempotency
    charge: OperationCharge | None = None
    loads: Loads = field(init=False)
    claims: dict[str, Claim] = field(default_factory=dict)
    replayed_attempts: set[str] = field(default_factory=set)
    response_headers: dict[str, str] = field(default_factory=dict)
    response_extensions: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.loads = Loads(self)

    def subject(self) -> str:
        """The viewer's id. Raises `Unauthenticated` for an anonymous one: what it guards belongs to a customer."""
        if self.viewer.subject is None:
            raise Unauthenticated("sign in first: no token was sent")
        return self.viewer.subject

    def on_replayed(self, response_key: str) -> None:
        """A repeated mutation costs next to nothing: tell those who charge for it."""
        if self.charge is not None:
            self.charge.replayed(response_key)

    async def decided(self) -> None:
        """Wait until the limiter has decided, which is when ``response_headers`` say how the limits stand."""
        if self.charge is not None:
            await self.charge.decided.wait()

    async def aclose(self) -> None:
        """Release what the operation still holds."""


#: Takes the fields of `Context` as keywords.
ContextFactory = Callable[..., Context]
CreateContext = Callable[[Resources], ContextFactory]
