"""A product, as `GET /api/products` answers it."""

import msgspec

from bff.commerce.money import Money


class Product(msgspec.Struct, frozen=True):
    """Something that is sold."""

    id: str
    name: str
    category: str
    description: str
    price: Money
    image_url: str
    rating: float | None = None
