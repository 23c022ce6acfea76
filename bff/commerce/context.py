"""What a resolver finds in ``info.context``: one per operation, built by `bff.app`, closed by the endpoint."""

from dataclasses import dataclass, field

from bff.clock import Clock
from bff.commerce.fulfilment.ports import OrderWorkflows
from bff.endpoint.request import RequestFacts
from bff.errors import Unauthenticated
from bff.execution.loads import Loads
from bff.fetch.rest import Rest
from bff.viewer import Viewer


@dataclass(slots=True, eq=False, kw_only=True)
class Context:
    """Everything with the lifetime of one operation.

    ``rest`` is bound to the viewer's identity and to the deadline of ``request``; ``loads`` batches and remembers what
    is read through it; ``workflows`` places orders and follows them.
    """

    viewer: Viewer
    request: RequestFacts
    clock: Clock
    rest: Rest
    workflows: OrderWorkflows
    loads: Loads = field(init=False)
    response_headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.loads = Loads(self)

    def subject(self) -> str:
        """The viewer's id. Raises `Unauthenticated` for an anonymous one: what it guards belongs to somebody."""
        if self.viewer.subject is None:
            raise Unauthenticated("sign in first: no token was sent")
        return self.viewer.subject

    async def aclose(self) -> None:
        """Release what the operation still holds."""
