"""What a device sees of shipments: ids and states, in answers of a few hundred bytes."""

from typing import Annotated

import strawberry

from bff.commerce.graphql import ShipmentStatus
from bff.commerce.shipping.acknowledge_delivery import DeliveryAcknowledged, OrderNotShipped
from bff.commerce.shipping.model import Shipment
from matapalo import projection


@projection(Shipment, name="Shipment", description="The parcel of an order.")
class IotShipment:
    id: strawberry.ID = strawberry.field(description="Stable identifier.")
    order_id: strawberry.ID = strawberry.field(description="The order it belongs to.")
    status: ShipmentStatus = strawberry.field(description="Where it is.")


@projection(DeliveryAcknowledged, name="DeliveryAcknowledged", description="The shipment is delivered.")
class IotDeliveryAcknowledged:
    shipment: IotShipment = strawberry.field(description="The shipment, as it is now.")


@projection(OrderNotShipped, name="OrderNotShipped", description="The order has no shipment. Nothing was changed.")
class IotOrderNotShipped:
    order_id: strawberry.ID = strawberry.field(description="The order.")


IotAcknowledgeDeliveryPayload = Annotated[
    IotDeliveryAcknowledged | IotOrderNotShipped,
    strawberry.union("AcknowledgeDeliveryPayload", description="The result of `acknowledgeDelivery`."),
]
