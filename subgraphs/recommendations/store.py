"""Recommendations in the database. Popular ones (``customer_id`` is null) are public."""

from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit.identity import Caller
from subgraphs.kit.pagination import Collection
from subgraphs.migrations.tables import recommendations
from subgraphs.recommendations.model import Recommendation

RECOMMENDATIONS = Collection(recommendations, recommendations.c.score.desc(), recommendations.c.id)


async def by_ids(connection: AsyncConnection, ids: tuple[str, ...], *, caller: Caller) -> list[Recommendation]:
    """Those of ``ids`` that exist for ``caller``, in no particular order."""
    rows = await RECOMMENDATIONS.by_ids(connection, ids)
    return [_recommendation(row) for row in rows if row.customer_id is None or caller.may_see(row.customer_id)]


async def page(
    connection: AsyncConnection, *, customer_id: str | None, limit: int, cursor: str | None
) -> tuple[list[Recommendation], str | None]:
    """Recommendations for ``customer_id``, or the popular ones; best first, equals by id."""
    of_customer = recommendations.c.customer_id == customer_id  # `== None` renders as IS NULL: the popular ones
    rows, next_cursor = await RECOMMENDATIONS.page(connection, of_customer, limit=limit, cursor=cursor)
    return [_recommendation(row) for row in rows], next_cursor


def _recommendation(row: Row[Any]) -> Recommendation:
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "product_id": row.product_id,
        "score": row.score,
        "reason": row.reason,
    }
