"""The mobile client's queries. What is null and what is an error: as in `bff.web.queries`."""

from collections.abc import Awaitable
from typing import Annotated

import strawberry

from bff.commerce.graphql import Info
from bff.commerce.orders.loaders import load_orders
from bff.commerce.orders.model import Order
from bff.commerce.pagination import Slice
from bff.commerce.products.loaders import read_products
from bff.commerce.products.model import Product
from bff.mobile.types.home import MobileHome
from bff.mobile.types.order import MobileOrder
from bff.mobile.types.product import MobileProductConnection
from matapalo import returns, sized


@strawberry.type(name="Query", description="Queries.")
class MobileQuery:
    @returns(MobileHome, description="What the home screen shows, in one request.")
    def home(self) -> MobileHome:
        return MobileHome()

    @returns(MobileOrder | None, description="An order of the viewer; null when there is none with this id.")
    def order(self, info: Info, id: strawberry.ID) -> Awaitable[Order | None]:
        return info.context.loads.one(load_orders, id)

    @returns(
        MobileProductConnection | None,
        description="Products, optionally filtered.",
        directives=[sized(20, by=["first"], fields=["nodes"])],
    )
    def products(
        self,
        info: Info,
        first: Annotated[int | None, strawberry.argument(description="How many at most: 1 to 100.")] = 20,
        after: Annotated[str | None, strawberry.argument(description="A cursor: go on after it.")] = None,
        search: Annotated[str | None, strawberry.argument(description="Part of the name; case is ignored.")] = None,
    ) -> Awaitable[Slice[Product] | None]:
        return read_products(info.context, first=first, after=after, search=search)
