"""The stock of a product, as `GET /api/inventory` returns it."""

import msgspec


class Stock(msgspec.Struct, frozen=True):
    """How many there are. ``available`` leaves out those that are ``reserved`` for orders."""

    product_id: str
    available: int
    reserved: int
