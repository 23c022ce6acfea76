"""The iot schema: two reads and one mutation."""

from collections.abc import Awaitable
from typing import Annotated

import strawberry

from bff.commerce.graphql import Info
from bff.commerce.shipping.acknowledge_delivery import (
    ACKNOWLEDGEMENT,
    AcknowledgeDeliveryOutcome,
    acknowledge_delivery,
)
from bff.commerce.shipping.loaders import load_shipments_of_orders, read_shipments
from bff.commerce.shipping.model import Shipment
from bff.iot.types import IotAcknowledgeDeliveryPayload, IotShipment
from matapalo import Idempotent, claim_of, prepare_schema, returns, sized

OrderId = Annotated[strawberry.ID, strawberry.argument(description="The order.")]


@strawberry.type(name="Query", description="Queries.")
class IotQuery:
    @returns(IotShipment | None, description="The shipment of an order of the device's owner; null before it is sent.")
    def shipment(self, info: Info, order_id: OrderId) -> Awaitable[Shipment | None]:
        return info.context.loads.one(load_shipments_of_orders, order_id)

    @returns(
        list[IotShipment] | None,
        description="The newest shipments of the device's owner.",
        directives=[sized(5, by=["first"])],
    )
    def shipments(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many at most: 1 to 100.")] = 5,
    ) -> Awaitable[list[Shipment]]:
        return read_shipments(info.context, first=first)


@strawberry.type(name="Mutation", description="Mutations.")
class IotMutation:
    @returns(
        IotAcknowledgeDeliveryPayload,
        description="Say that the parcel of an order was handed over. The same key is the same delivery.",
        extensions=[Idempotent(required=True, replay=ACKNOWLEDGEMENT, effect="service")],
    )
    async def acknowledge_delivery(self, info: Info, order_id: OrderId) -> AcknowledgeDeliveryOutcome:
        return await acknowledge_delivery(info.context, claim_of(info), order_id)


def build_schema() -> strawberry.Schema:
    """The schema, with every projection checked against its model."""
    schema = strawberry.Schema(query=IotQuery, mutation=IotMutation)
    prepare_schema(schema)
    return schema
