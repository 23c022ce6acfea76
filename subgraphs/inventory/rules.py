"""What can be reserved, as a function of what there is. Pure: the store locks the rows and does what this says."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

from subgraphs.kit.problem import FieldError


class Shortage(TypedDict):
    """A product of which there is not enough."""

    product_id: str
    requested: int
    available: int


def per_product(items: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Units requested by product: a product may be named by more than one item."""
    requested: dict[str, int] = {}
    for product_id, quantity in items:
        requested[product_id] = requested.get(product_id, 0) + quantity
    return requested


def shortages(requested: Mapping[str, int], available: Mapping[str, int]) -> list[Shortage]:
    """What is missing; a product without a stock row has none. Empty when everything can be had."""
    return [
        {"product_id": product_id, "requested": quantity, "available": available.get(product_id, 0)}
        for product_id, quantity in requested.items()
        if quantity > available.get(product_id, 0)
    ]


def errors_of(missing: Sequence[Shortage], items: Sequence[tuple[str, int]]) -> list[FieldError]:
    """The items to blame, by their place in the request."""
    short = {shortage["product_id"]: shortage["available"] for shortage in missing}
    return [
        {"field": f"items[{index}]", "value": product_id, "message": f"only {short[product_id]} available"}
        for index, (product_id, _) in enumerate(items)
        if product_id in short
    ]
