"""The messages of the order workflow and its activities: one frozen dataclass each.

Not the models that GraphQL shows: these are written into workflow histories, so a field may be added (with a default)
but never renamed or removed while an order that carries it may still run. Money is minor units, times are UTC.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from matapalo import Claim


class Outcome(StrEnum):
    """How placing an order ended, for the customer."""

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
    COMPENSATING = "COMPENSATING"
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
    """What has happened to a step."""

    STARTED = "STARTED"
    DONE = "DONE"
    FAILED = "FAILED"
    COMPENSATED = "COMPENSATED"


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
class PlaceOrderRequest:
    """The input of the workflow: what a customer ordered, checked and normalised.

    ``claim`` is that of the request that came first: its ids make the order's, and every other request knows by it
    whether it asks for the same and whether its result is a replay. ``traceparent`` is that request's (W3C Trace
    Context): every call made for the order belongs to its trace.
    """

    claim: Claim
    customer_id: str
    lines: tuple[Line, ...]
    payment_method_id: str | None
    traceparent: str = ""

    @property
    def order_id(self) -> str:
        """`ord_` and the beginning of the record id: the order is found again from the key, and a workflow from it."""
        return f"ord_{self.claim.record_id[:16]}"


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
    """The result of `place`: the same for every caller, also after the workflow has closed."""

    order_id: str
    workflow_id: str
    run_id: str
    started_at: datetime
    claim: Claim
    outcome: Outcome
    shortages: tuple[Shortage, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CancelOrderRequest:
    """The argument of `cancel`; ``reason`` is stored with the order."""

    reason: str


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The result of `cancel`: CANCELLED when all is compensated, NEEDS_ATTENTION while something cannot be yet."""

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
    """Reserve all lines or none."""

    order: OrderRef
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class StockReservation:
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
    """The order is paid by a payment."""

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
    """The shipment that the carrier has made."""

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
        """Whether no event follows this one."""
        return self.step is OrderStep.FINISH


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """The state of an order and of each step until now."""

    status: FulfilmentStatus
    steps: tuple[StepProgress, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishProgress:
    """Events, and the state after the last of them: the new ones to an activity, all of them to a query."""

    order: OrderRef
    workflow_id: str
    events: tuple[OrderEvent, ...]
    fulfilment: Fulfilment
