"""The recommendations service: popular products for all callers, personal ones for their customer. Read only."""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Response

from subgraphs.kit.app import create_app
from subgraphs.kit.call import Call, CurrentCall, page
from subgraphs.kit.contract_types import Cursor, CustomerFilter, Ids, Limit, example_id
from subgraphs.kit.database import Database
from subgraphs.kit.openapi import reads
from subgraphs.kit.problem import NotFound
from subgraphs.kit.settings import Settings
from subgraphs.recommendations import store
from subgraphs.recommendations.model import Recommendation, RecommendationList

router = APIRouter(prefix="/api/recommendations", tags=["recommendations"])
RecommendationId = Annotated[str, example_id("rec_00001")]


@router.get("", operation_id="listRecommendations", **reads(RecommendationList, public=True))
async def list_recommendations(
    call: CurrentCall, ids: Ids, customer_id: CustomerFilter = None, limit: Limit = 20, cursor: Cursor = None
) -> Response:
    """Recommendations for `customer_id`, best first; without it, or for anonymous callers, the popular ones.

    With `ids`, exactly those, and nothing else applies.
    """
    if call.caller.role == "anonymous":
        customer_id = None
    elif customer_id is not None:
        call.narrow(customer_id)
    async with call.database.reads() as connection:
        if ids is not None:
            return _respond(call, page(await store.by_ids(connection, ids, caller=call.caller)))
        items, next_cursor = await store.page(connection, customer_id=customer_id, limit=limit, cursor=cursor)
    return _respond(call, page(items, next_cursor))


@router.get("/{recommendation_id}", operation_id="getRecommendation", **reads(Recommendation, public=True))
async def get_recommendation(call: CurrentCall, recommendation_id: RecommendationId) -> Response:
    """A recommendation by its id."""
    async with call.database.reads() as connection:
        recommendations = await store.by_ids(connection, (recommendation_id,), caller=call.caller)
    if not recommendations:
        raise NotFound(f"There is no recommendation {recommendation_id}.")
    return _respond(call, recommendations[0])


def _respond(call: Call, body: object) -> Response:
    """What anonymous callers see is the same for all of them; the rest may be personal."""
    return call.public(body) if call.caller.role == "anonymous" else call.owned(body)


def create(settings: Settings, database: Database) -> FastAPI:
    return create_app("recommendations", description=__doc__ or "", router=router, settings=settings, database=database)
