"""The dashboard: what a signed-in customer's start page shows, in one request.

Its four fields are independent: they load concurrently, and each fails alone.
"""

from collections.abc import Awaitable
from typing import Annotated

import strawberry

from bff.commerce.customers.loaders import load_customers
from bff.commerce.customers.model import Customer
from bff.commerce.graphql import Info
from bff.commerce.orders.loaders import load_orders_of_customers, load_summaries
from bff.commerce.orders.model import Order, OrdersSummary
from bff.commerce.pagination import checked_first
from bff.commerce.products.model import Product
from bff.commerce.recommendations.loaders import read_recommended_products
from bff.web.types.customer import WebCustomer
from bff.web.types.order import WebOrder, WebOrderAnalytics
from bff.web.types.product import WebProduct
from matapalo import Cost, returns, sized

First = Annotated[int | None, strawberry.argument(description="How many at most: 1 to 100.")]


@strawberry.type(name="Dashboard", description="What the viewer's start page shows.")
class WebDashboard:
    @returns(WebCustomer | None, description="The viewer; null when they are no customer.")
    def customer(self, info: Info) -> Awaitable[Customer | None]:
        return info.context.loads.one(load_customers, info.context.subject())

    @returns(
        list[WebOrder] | None,
        description="The viewer's newest orders, newest first.",
        directives=[sized(10, by=["first"])],
    )
    async def recent_orders(self, info: Info, first: First = 10) -> list[Order] | None:
        arguments = {"first": checked_first(first, default=10), "after": None, "status": None}
        page = await info.context.loads.one(load_orders_of_customers, info.context.subject(), arguments)
        return page.nodes if page is not None else None

    @returns(
        list[WebProduct] | None,
        description="What the viewer may like, best first.",
        directives=[sized(8, by=["first"])],
    )
    async def recommendations(self, info: Info, first: First = 8) -> list[Product]:
        return await read_recommended_products(info.context, first=first)

    @returns(WebOrderAnalytics | None, description="The viewer's orders in figures.", directives=[Cost(weight=5)])
    def analytics(self, info: Info) -> Awaitable[OrdersSummary | None]:
        return info.context.loads.one(load_summaries, info.context.subject())
