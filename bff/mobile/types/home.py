"""The home screen of the app, in one request of two REST calls."""

from collections.abc import Awaitable, Sequence
from enum import Enum

import strawberry

from bff.commerce.customers.loaders import load_customers
from bff.commerce.customers.model import Customer
from bff.commerce.graphql import Info
from bff.commerce.orders.loaders import load_orders_of_customers
from bff.commerce.orders.model import Order, OrderStatus
from bff.mobile.types.order import MobileOrderRow
from matapalo import projection, returns, sized

ORDERS_ON_HOME = 5
_NEWEST = {"first": ORDERS_ON_HOME, "after": None, "status": None}


@projection(Customer, name="Me", description="The viewer.")
class MobileMe:
    name: str = strawberry.field(description="Full name.")
    avatar_url: str | None = strawberry.field(description="Address of a portrait, if there is one.")


@strawberry.enum(name="QuickActionType", description="What a button of the home screen does.")
class QuickActionType(Enum):
    REORDER = strawberry.enum_value("REORDER", description="Order the same again.")
    TRACK = strawberry.enum_value("TRACK", description="Follow the parcel.")


@strawberry.type(name="QuickAction", description="A button of the home screen.")
class MobileQuickAction:
    type: QuickActionType = strawberry.field(description="What it does.")
    order_id: strawberry.ID = strawberry.field(description="The order it does it with.")


def quick_actions(newest_first: Sequence[Order]) -> list[MobileQuickAction]:
    """Reorder the last order; track the last one that is on its way."""
    actions = [MobileQuickAction(type=QuickActionType.REORDER, order_id=strawberry.ID(o.id)) for o in newest_first[:1]]
    shipped = [order for order in newest_first if order.status is OrderStatus.SHIPPED]
    return actions + [MobileQuickAction(type=QuickActionType.TRACK, order_id=strawberry.ID(o.id)) for o in shipped[:1]]


async def _newest_orders(info: Info) -> list[Order] | None:
    page = await info.context.loads.one(load_orders_of_customers, info.context.subject(), _NEWEST)
    return page.nodes if page is not None else None


@strawberry.type(name="Home", description="What the home screen shows.")
class MobileHome:
    @returns(MobileMe | None, description="The viewer; null when they are no customer.")
    def customer(self, info: Info) -> Awaitable[Customer | None]:
        return info.context.loads.one(load_customers, info.context.subject())

    @returns(
        list[MobileOrderRow] | None,
        description="The viewer's five newest orders, newest first.",
        directives=[sized(ORDERS_ON_HOME)],
    )
    def recent_orders(self, info: Info) -> Awaitable[list[Order] | None]:
        return _newest_orders(info)

    @returns(
        list[MobileQuickAction] | None,
        description="What the viewer most likely wants to do.",
        directives=[sized(len(QuickActionType))],
    )
    async def quick_actions(self, info: Info) -> list[MobileQuickAction] | None:
        orders = await _newest_orders(info)
        return quick_actions(orders) if orders is not None else None
