"""`/api/recommendations` of the monolith."""

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit import pagination
from subgraphs.kit.call import Call, CurrentCall, page
from subgraphs.kit.contract_types import Cursor, CustomerFilter, Ids, Limit, PathId
from subgraphs.kit.problem import NotFound
from subgraphs.legacy.sql import Record, record, records

router = APIRouter()


@router.get("/api/recommendations", operation_id="listRecommendations")
async def list_recommendations(
    call: CurrentCall, ids: Ids, customer_id: CustomerFilter = None, limit: Limit = 20, cursor: Cursor = None
) -> Response:
    if call.caller.role == "anonymous":
        customer_id = None
    elif customer_id is not None:
        call.narrow(customer_id)
    below, after = pagination.decode(cursor, float, str) if cursor else (None, None)
    async with call.database.reads() as connection:
        if ids is not None:
            loaded = [await load(connection, one) for one in ids]
            return _respond(call, page([item for item in loaded if item and _visible(call, item)]))
        keys = await records(
            connection,
            """
            SELECT id, score FROM recommendations
            WHERE customer_id IS NOT DISTINCT FROM CAST(:customer_id AS text)
              AND (CAST(:below AS float8) IS NULL OR score < :below
                   OR (score = :below AND id > CAST(:after AS text)))
            ORDER BY score DESC, id LIMIT :limit
            """,
            customer_id=customer_id,
            below=below,
            after=after,
            limit=limit + 1,
        )
        selected, next_cursor = pagination.cut(keys, limit, lambda key: pagination.encode(key["score"], key["id"]))
        return _respond(call, page([await load(connection, key["id"]) for key in selected], next_cursor))


@router.get("/api/recommendations/{recommendation_id}", operation_id="getRecommendation")
async def get_recommendation(call: CurrentCall, recommendation_id: PathId) -> Response:
    async with call.database.reads() as connection:
        recommendation = await load(connection, recommendation_id)
    if recommendation is None or not _visible(call, recommendation):
        raise NotFound(f"There is no recommendation {recommendation_id}.")
    return _respond(call, recommendation)


async def load(connection: AsyncConnection, recommendation_id: str) -> Record | None:
    """One recommendation, as the API writes it."""
    return await record(
        connection,
        "SELECT id, customer_id, product_id, score, reason FROM recommendations WHERE id = :id",
        id=recommendation_id,
    )


def _visible(call: Call, recommendation: Record) -> bool:
    return recommendation["customer_id"] is None or call.caller.may_see(recommendation["customer_id"])


def _respond(call: Call, body: object) -> Response:
    return call.public(body) if call.caller.role == "anonymous" else call.owned(body)
