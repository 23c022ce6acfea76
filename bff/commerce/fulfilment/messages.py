"""What the order workflow is given, answers and passes to its activities: one frozen dataclass a message.

Not the models that GraphQL shows: these are written into workflow histories, so a field may be added (with a default)
but never renamed or removed while an order that carries it may still run. Money is minor units, times are UTC.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """What became of the attempt to place an order."""

    PLACED = "PLACED"
    OUT_OF_STOCK = "OUT_OF_STOCK"
    PAYMENT_DECLINED = "PAYMENT_DECLINED"
    INVALID = "INVALID"
    FAILED = "FAILED"


class Ending(StrEnum):
    """How an order workflow completes. One that an operator cancels has none: Temporal shows it as Canceled."""

    SHIPPED = "SHIPPED"
    REFUSED = "REFUSED"
    CANCELLED = "CANCELLED"
    WAREHOUSE_TIMED_OUT = "WAREHOUSE_TIMED_OUT"
    FAILED = "FAILED"


class FulfilmentStatus(StrEnum):
    """Where an order stands; also the value of the search attribute `OrderStatus`."""

    PLACING = "PLACING"
    AWAITING_WAREHOUSE = "AWAITING_WAREHOUSE"
    SHIPPING = "SHIPPING"
    COMPLETED = "COMPLETED"
    UNDOING = "UNDOING"
    CANCELLED = "CANCELLED"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"


class OrderStep(StrEnum):
    """The steps of an order, in their order. FINISH carries the last event and nothing else."""

    CREATE = "CREATE"
    RESERVE = "RESERVE"
    CHARGE = "CHARGE"
    CONFIRM = "CONFIRM"
    WAREHOUSE = "WAREHOUSE"
    SHIP = "SHIP"
    NOTIFY = "NOTIFY"
    FINISH = "FINISH"


class OrderStepState(StrEnum):
    """What happened to a step."""

    STARTED = "STARTED"
    DONE = "DONE"
    FAILED = "FAILED"
    UNDONE = "UNDONE"


@dataclass(frozen=True, slots=True)
class Amount:
    """Money on its way to the payments service."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Line:
    """How many of which product."""

    product_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """The input of the workflow.

    ``request_hash`` is of what the client asked for: another one under the same key is a conflict. ``attempt_id``
    names the request that came first, so that every other one knows its answer for a replay. ``traceparent`` is that
    request's (W3C Trace Context): every call made for the order belongs to its trace.
    """

    order_id: str
    customer_id: str
    lines: tuple[Line, ...]
    payment_method_id: str | None
    request_hash: str
    attempt_id: str
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A line that the stock does not cover."""

    product_id: str
    requested: int
    available: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a service found wrong with a field, by the service's name for it (`items[0].product_id`)."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer of `place`: the same for every caller, also after the workflow has closed."""

    order_id: str
    workflow_id: str
    run_id: str
    started_at: datetime
    request_hash: str
    attempt_id: str
    outcome: Outcome
    shortages: tuple[Shortage, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CancelWish:
    """Why the order is not wanted any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The answer of `cancel`: CANCELLED when everything is undone, NEEDS_ATTENTION while something cannot be yet."""

    order_id: str
    status: FulfilmentStatus


@dataclass(frozen=True, slots=True)
class OrderRef:
    """Which order, and whose: the customer is the routing subject of every call, ``traceparent`` its trace."""

    order_id: str
    customer_id: str
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class CreatedOrder:
    """An order with its price, or why there is none."""

    total: Amount | None
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class ReserveStock:
    """All lines or none."""

    order: OrderRef
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Reservation:
    """Reserved when nothing is short."""

    shortages: tuple[Shortage, ...] = ()


@dataclass(frozen=True, slots=True)
class ChargeCustomer:
    """``payment_method_id`` None is the customer's default card."""

    order: OrderRef
    amount: Amount
    payment_method_id: str | None


@dataclass(frozen=True, slots=True)
class Charge:
    """Charged under ``payment_id``, or declined for a reason that the customer may read."""

    payment_id: str | None
    declined: str = ""


@dataclass(frozen=True, slots=True)
class ConfirmOrder:
    """The order is paid."""

    order: OrderRef
    payment_id: str


@dataclass(frozen=True, slots=True)
class MarkShipped:
    """The order is on its way."""

    order: OrderRef
    shipment_id: str


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """The order will not be delivered."""

    order: OrderRef
    reason: str


@dataclass(frozen=True, slots=True)
class Shipment:
    """What the carrier answered."""

    shipment_id: str
    tracking_number: str


@dataclass(frozen=True, slots=True)
class NotifyCustomer:
    """Tell the customer; the address is looked up by the activity and stays out of the history."""

    order: OrderRef
    tracking_number: str


@dataclass(frozen=True, slots=True)
class StepProgress:
    """One step as shown to the customer. ``attempts`` counts how often the workflow began it."""

    name: OrderStep
    state: OrderStepState
    started_at: datetime
    finished_at: datetime | None = None
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One change. ``number`` counts from 1 within an order; the event after which nothing follows is of FINISH."""

    number: int
    step: OrderStep
    state: OrderStepState
    at: datetime
    message: str = ""

    @property
    def id(self) -> str:
        """The event's place in the order's stream, by which a client resumes."""
        return f"{self.number}-0"

    @property
    def is_last(self) -> bool:
        """Whether nothing follows."""
        return self.step is OrderStep.FINISH


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """Where an order stands and how it got there."""

    status: FulfilmentStatus
    steps: tuple[StepProgress, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishProgress:
    """Events, and the state after the last of them: the new ones to an activity, all of them to a query."""

    order: OrderRef
    workflow_id: str
    events: tuple[OrderEvent, ...]
    fulfilment: Fulfilment
