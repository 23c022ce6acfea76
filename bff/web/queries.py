"""The web client's queries.

Reading by id gives null for what does not exist and for what is another customer's; the two are not told apart, and
neither is an error. What has an owner is ``UNAUTHENTICATED`` for an anonymous viewer, on that field alone.
"""

from collections.abc import Awaitable
from typing import Annotated

import strawberry

from bff.commerce.customers.loaders import load_customers
from bff.commerce.customers.model import Customer
from bff.commerce.fulfilment.outcomes import WorkflowRun
from bff.commerce.fulfilment.queries import inspect_workflow
from bff.commerce.graphql import Info
from bff.commerce.orders.loaders import load_orders, load_orders_of_customers, read_all_orders
from bff.commerce.orders.model import Order, OrderStatus
from bff.commerce.pagination import Slice
from bff.commerce.products.loaders import load_products, read_products
from bff.commerce.products.model import Product
from bff.web.types.customer import WebCustomer
from bff.web.types.dashboard import First, WebDashboard
from bff.web.types.order import WebOrder, WebOrderConnection
from bff.web.types.page import PAGED
from bff.web.types.product import WebProduct, WebProductConnection
from bff.web.types.rate_limit import WebRateLimit, rate_limit
from bff.web.types.workflow import WebWorkflow
from matapalo import returns

After = Annotated[str | None, strawberry.argument(description="A cursor: go on after it.")]
SEES_ALL_ORDERS = frozenset({"operator", "service"})


@strawberry.type(name="Query", description="Queries.")
class WebQuery:
    @returns(WebDashboard, description="What the viewer's start page shows, in one request.")
    def dashboard(self) -> WebDashboard:
        return WebDashboard()

    @returns(WebCustomer | None, description="The viewer; null when they are no customer.")
    def me(self, info: Info) -> Awaitable[Customer | None]:
        return info.context.loads.one(load_customers, info.context.subject())

    @returns(WebOrder | None, description="An order of the viewer; null when there is none with this id.")
    def order(self, info: Info, id: strawberry.ID) -> Awaitable[Order | None]:
        return info.context.loads.one(load_orders, id)

    @returns(WebWorkflow | None, description="A workflow, by its id or by that of its order. For operators.")
    async def workflow(self, info: Info, id: strawberry.ID) -> WorkflowRun | None:
        return await inspect_workflow(info.context, id)

    @returns(WebProduct | None, description="A product; null when there is none with this id.")
    def product(self, info: Info, id: strawberry.ID) -> Awaitable[Product | None]:
        return info.context.loads.one(load_products, id)

    @returns(
        WebOrderConnection | None,
        description="The viewer's orders, newest first; for operators, all orders.",
        directives=[PAGED],
    )
    def orders(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        status: Annotated[OrderStatus | None, strawberry.argument(description="Only those in this status.")] = None,
    ) -> Awaitable[Slice[Order] | None]:
        context = info.context
        if context.viewer.role in SEES_ALL_ORDERS:
            return read_all_orders(context, first=first, after=after, status=status)
        arguments = {"first": first, "after": after, "status": status}
        return context.loads.one(load_orders_of_customers, context.subject(), arguments)

    @returns(WebProductConnection | None, description="Products, optionally filtered.", directives=[PAGED])
    def products(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        search: Annotated[str | None, strawberry.argument(description="Part of the name; case is ignored.")] = None,
        category: Annotated[str | None, strawberry.argument(description="Only of this category.")] = None,
    ) -> Awaitable[Slice[Product] | None]:
        return read_products(info.context, first=first, after=after, search=search, category=category)

    @returns(WebRateLimit, description="The viewer's rate limits, this operation included. Costs no points.")
    def rate_limit(self, info: Info) -> WebRateLimit:
        return rate_limit(info.context)
