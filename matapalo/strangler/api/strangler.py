"""`/admin/strangler`: the three moves of a migration, for scripts: a percentage, everything, back.

The route is named by its path (or its name), a share by a percentage (0-100, steps of 0.01). The same changes, rules
and history as under `/admin/routes`; `If-Match` is honoured where it is sent, and may be left out.
"""

from fastapi import APIRouter, Response

from matapalo.strangler.api.operators import Operator
from matapalo.strangler.api.preconditions import IfMatch, optional_revision, tagged_change
from matapalo.strangler.api.schemas import ChangeView, PathBody, PercentageBody
from matapalo.strangler.routing.share import format_share
from matapalo.strangler.store.changes import Changes


def strangler_api(changes: Changes) -> APIRouter:
    api = APIRouter(prefix="/admin/strangler", tags=["strangler"])

    @api.post("/rollout", summary="Give this percentage of the users the new side")
    async def rollout(
        body: PercentageBody, operator: Operator, response: Response, if_match: IfMatch = None
    ) -> ChangeView:
        why = body.why or f"{format_share(body.share_bp)} by POST /admin/strangler/rollout"
        expected, fields = optional_revision(if_match), {"share_bp": body.share_bp}
        change = await changes.set_route(body.path, fields, by=operator.subject, why=why, expected=expected)
        return tagged_change(response, change)

    @api.post("/complete", summary="Everything to the new side, writes included")
    async def complete(body: PathBody, operator: Operator, response: Response, if_match: IfMatch = None) -> ChangeView:
        why = body.why or "completed by POST /admin/strangler/complete"
        change = await changes.complete(body.path, by=operator.subject, why=why, expected=optional_revision(if_match))
        return tagged_change(response, change)

    @api.post("/rollback", summary="The route as it was before its last change")
    async def roll_back(body: PathBody, operator: Operator, response: Response, if_match: IfMatch = None) -> ChangeView:
        why = body.why or "rolled back by POST /admin/strangler/rollback"
        change = await changes.rollback(body.path, by=operator.subject, why=why, expected=optional_revision(if_match))
        return tagged_change(response, change)

    return api
