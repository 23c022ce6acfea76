"""A parcel is handed over: its receiver acknowledges that."""

from dataclasses import dataclass

from bff.commerce.context import Context
from bff.commerce.rest import write
from bff.commerce.shipping.loaders import load_shipments_of_orders
from bff.commerce.shipping.model import Shipment
from matapalo import Claim, replay_snapshot


@dataclass(frozen=True, slots=True)
class DeliveryAcknowledged:
    """The shipment is delivered."""

    shipment: Shipment


@dataclass(frozen=True, slots=True)
class OrderNotShipped:
    """There is no shipment of this order, or not one of the viewer's."""

    order_id: str


AcknowledgeDeliveryOutcome = DeliveryAcknowledged | OrderNotShipped
ACKNOWLEDGEMENT = replay_snapshot(DeliveryAcknowledged, OrderNotShipped)


async def acknowledge_delivery(context: Context, claim: Claim, order_id: str) -> AcknowledgeDeliveryOutcome:
    """Mark the shipment of an order of the viewer's as delivered."""
    context.subject()
    shipment = await context.loads.one(load_shipments_of_orders, order_id)
    if shipment is None:
        return OrderNotShipped(order_id[:64])
    path = f"/api/shipping/{shipment.id}/deliver"
    delivered = await write(context, claim, "deliver", "POST", path, {}, into=Shipment)
    context.loads.clear()
    return DeliveryAcknowledged(delivered)
