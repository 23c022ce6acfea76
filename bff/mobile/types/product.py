"""Products, as a phone shows them."""

import strawberry

from bff.commerce.pagination import PageInfo, Slice
from bff.commerce.products.model import Product
from matapalo import Cost, projection, returns


@projection(Product, name="Product", description="A product.")
class MobileProduct:
    id: strawberry.ID = strawberry.field(description="Stable identifier.")
    name: str = strawberry.field(description="What it is called.")
    image_url: str = strawberry.field(description="Address of a picture.")

    @returns(str, description="What it costs now, ready to show.")
    @staticmethod
    def price(product: strawberry.Parent[Product]) -> str:
        return product.price.formatted


@projection(
    PageInfo,
    name="PageInfo",
    description="Where a page ends and whether more follows.",
    directives=[Cost(weight=0)],
)
class MobilePageInfo:
    has_next_page: bool = strawberry.field(description="Whether there are more nodes after `endCursor`.")
    end_cursor: str | None = strawberry.field(description="Pass it as `after` to get the next page; null for no nodes.")


@projection(Slice[Product], name="ProductConnection", description="A page of products.")
class MobileProductConnection:
    nodes: list[MobileProduct] = strawberry.field(description="The products.")
    page_info: MobilePageInfo = strawberry.field(description="Where the page ends.")
