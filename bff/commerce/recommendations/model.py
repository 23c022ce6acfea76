"""A recommendation, as `GET /api/recommendations` returns it."""

import msgspec


class Recommendation(msgspec.Struct, frozen=True):
    """A product that a customer may like; ``customer_id`` is None for a popular one."""

    id: str
    product_id: str
    score: float
    reason: str
    customer_id: str | None = None
