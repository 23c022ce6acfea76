"""Recommendations in the database. Popular ones belong to nobody (``customer_id`` is null) and anybody may see them."""

from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.kit import cursor as cursors
from subgraphs.kit.identity import Caller
from subgraphs.migrations.tables import recommendations
from subgraphs.recommendations.model import Recommendation

ROWS = select(recommendations)


async def by_ids(connection: AsyncConnection, ids: tuple[str, ...], *, caller: Caller) -> list[Recommendation]:
    """Those of ``ids`` that exist for ``caller``, in no particular order."""
    wanted = ROWS.where(recommendations.c.id == func.any(list(ids)))
    if not caller.staff:
        mine = recommendations.c.customer_id == caller.owner
        wanted = wanted.where(or_(recommendations.c.customer_id.is_(None), mine))
    return [_recommendation(row) for row in await connection.execute(wanted)]


async def page(
    connection: AsyncConnection, *, customer_id: str | None, limit: int, cursor: str | None
) -> tuple[list[Recommendation], str | None]:
    """Recommendations for ``customer_id``, or the popular ones; best first, equals by id."""
    score, identifier = recommendations.c.score, recommendations.c.id
    # `== None` renders as IS NULL: the popular ones.
    conditions: list[ColumnElement[bool]] = [recommendations.c.customer_id == customer_id]
    if cursor is not None:
        after_score, after_id = cursors.decode(cursor, float, str)
        conditions.append(or_(score < after_score, (score == after_score) & (identifier > after_id)))
    wanted = ROWS.where(*conditions).order_by(score.desc(), identifier).limit(limit + 1)
    rows = (await connection.execute(wanted)).all()
    shown, following = cursors.cut(rows, limit, lambda row: cursors.encode(row.score, row.id))
    return [_recommendation(row) for row in shown], following


def _recommendation(row: Row[Any]) -> Recommendation:
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "product_id": row.product_id,
        "score": row.score,
        "reason": row.reason,
    }
