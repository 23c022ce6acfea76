"""A product, as `GET /api/products` returns it."""

import msgspec

from bff.commerce.money import Money


class Product(msgspec.Struct, frozen=True):
    """A product, at the price of now."""

    id: str
    name: str
    category: str
    description: str
    price: Money
    image_url: str
    rating: float | None = None
