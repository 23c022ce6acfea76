"""Products, as the web shows them."""

import strawberry

from bff.commerce.inventory.loaders import load_available
from bff.commerce.pagination import Edge, Slice
from bff.commerce.products.model import Product
from bff.web.types.entity import BY_ID
from bff.web.types.money import WebMoney
from bff.web.types.page import PART_OF_A_LIST, WebPageInfo
from matapalo import Cost, projection, related


@projection(Product, name="Product", description="A product.", directives=[BY_ID])
class WebProduct:
    id: strawberry.ID = strawberry.field(description="Stable identifier.")
    name: str = strawberry.field(description="What it is called.")
    category: str = strawberry.field(description="The category it is listed in.")
    description: str = strawberry.field(description="A few sentences about it.")
    price: WebMoney = strawberry.field(description="What it costs now.")
    stock: int | None = related(
        load_available,
        key="id",
        description="How many can be bought now; null when inventory does not answer.",
        directives=[Cost(weight=1)],
    )
    rating: float | None = strawberry.field(description="Average of the reviews, 0 to 5; null without reviews.")
    image_url: str = strawberry.field(description="Address of a picture.")


@projection(
    Edge[Product],
    name="ProductEdge",
    description="A product and its place in the list.",
    directives=[PART_OF_A_LIST],
)
class WebProductEdge:
    cursor: str = strawberry.field(description="Pass it as `after` to go on after this product.")
    node: WebProduct = strawberry.field(description="The product.")


@projection(Slice[Product], name="ProductConnection", description="A page of products.")
class WebProductConnection:
    edges: list[WebProductEdge] = strawberry.field(description="The products, each with its cursor.")
    nodes: list[WebProduct] = strawberry.field(description="The products.")
    page_info: WebPageInfo = strawberry.field(description="Where the page ends.")
