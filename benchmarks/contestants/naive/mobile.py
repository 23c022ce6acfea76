"""The mobile schema."""

from datetime import datetime
from enum import Enum

import strawberry

from benchmarks.contestants.naive.types import Info, Order, OrderStatus


@strawberry.enum
class QuickActionType(Enum):
    REORDER = "REORDER"
    TRACK = "TRACK"


@strawberry.type
class QuickAction:
    type: QuickActionType
    order_id: strawberry.ID


@strawberry.type
class Me:
    name: str
    avatar_url: str | None


@strawberry.type
class OrderRow:
    id: strawberry.ID
    placed_at: datetime
    status: OrderStatus
    total: str


@strawberry.type
class Home:
    orders: strawberry.Private[list[Order]]

    @strawberry.field
    async def customer(self, info: Info) -> Me | None:
        customer = await info.context.customers.load(info.context.user_id)
        return Me(name=customer.name, avatar_url=customer.avatar_url) if customer else None

    @strawberry.field
    def recent_orders(self) -> list[OrderRow] | None:
        return [
            OrderRow(id=order.id, placed_at=order.placed_at, status=order.status, total=order.total.as_text())
            for order in self.orders
        ]

    @strawberry.field
    def quick_actions(self) -> list[QuickAction] | None:
        actions = [QuickAction(type=QuickActionType.REORDER, order_id=order.id) for order in self.orders[:1]]
        shipped = [order for order in self.orders if order.status == OrderStatus.SHIPPED]
        return actions + [QuickAction(type=QuickActionType.TRACK, order_id=order.id) for order in shipped[:1]]


@strawberry.type
class Query:
    @strawberry.field
    async def home(self, info: Info) -> Home:
        return Home(orders=await info.context.newest_orders(5))
