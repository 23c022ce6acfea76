"""What a resolver finds in ``info.context``: one per operation, built by `matapalo.app`, closed by the endpoint."""

from dataclasses import dataclass, field
from typing import Any

from bff.commerce.fulfilment.ports import OrderWorkflows
from bff.commerce.onboarding.ports import OnboardingWorkflows
from matapalo import (
    Claim,
    Clock,
    GraphQLRequest,
    Idempotency,
    Inspector,
    Loads,
    OperationCharge,
    RestClient,
    Unauthenticated,
    Viewer,
)


@dataclass(slots=True, eq=False, kw_only=True)
class Context:
    """Everything with the lifetime of one operation.

    ``rest`` is bound to the viewer's identity and to the deadline of ``request``; ``loads`` batches and remembers what
    is read through it; ``workflows`` places orders and follows them, ``onboarding`` registers customers, ``inspector``
    shows workflows to operators.
    ``idempotency`` runs mutations once, ``claims`` has what it knows of each root field of this one (`claim_of`).
    ``charge`` is what the operation costs and how the viewer's limits stand, None where nothing is limited.
    ``response_*`` go into the answer.
    """

    viewer: Viewer
    request: GraphQLRequest
    clock: Clock
    rest: RestClient
    workflows: OrderWorkflows
    onboarding: OnboardingWorkflows
    inspector: Inspector
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
        """The viewer's id. Raises `Unauthenticated` for an anonymous one: what it guards belongs to somebody."""
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
