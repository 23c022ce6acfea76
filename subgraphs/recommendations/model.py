"""The wire shapes of recommendations."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from subgraphs.kit.contract_types import Id


class Recommendation(TypedDict):
    """A product worth showing: to one customer, or (null) to all callers."""

    id: Annotated[Id, Field(examples=["rec_00001"])]
    customer_id: Id | None
    product_id: Id
    score: Annotated[float, Field(ge=0, le=1, description="Higher is better.")]
    reason: str


class RecommendationList(TypedDict):
    """A page of recommendations, best first."""

    items: list[Recommendation]
    next_cursor: str | None
