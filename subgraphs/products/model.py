"""The wire shapes of products."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from subgraphs.kit.contract_types import Id, Money


class Product(TypedDict):
    """Something one can buy. `price` is what it costs now; an order keeps the price of its day."""

    id: Annotated[Id, Field(examples=["prod_0001"])]
    name: str
    category: Annotated[str, Field(examples=["Kitchen"])]
    description: str
    price: Money
    rating: Annotated[float | None, Field(ge=0, le=5)]
    image_url: str


class ProductList(TypedDict):
    """A page of products, by id."""

    items: list[Product]
    next_cursor: str | None
