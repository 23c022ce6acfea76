"""`/admin/routes/{name}/decommission`: whether the legacy side is dead, and its removal. Role ``operator``."""

from fastapi import APIRouter, Response

from matapalo.strangler.api.operators import Operator
from matapalo.strangler.api.preconditions import IfMatch, etag, required_revision, tagged_change
from matapalo.strangler.api.schemas import ChangeView, Name, ReasonBody, ReportsView, ReportView
from matapalo.strangler.decommission.service import Decommission


def decommission_api(decommission: Decommission) -> APIRouter:
    api = APIRouter(prefix="/admin", tags=["decommission"])

    @api.get("/decommission", summary="Whether the legacy sides are dead, of all routes")
    async def reports() -> ReportsView:
        return ReportsView(routes=[ReportView.of(report) for report in await decommission.reports()])

    @api.get("/routes/{name}/decommission", summary="Whether the legacy side is dead, and who still reaches it")
    async def report(name: Name, response: Response) -> ReportView:
        view = ReportView.of(await decommission.report(name))
        response.headers["etag"] = etag(view.revision)
        return view

    @api.post("/routes/{name}/decommission", summary="Remove the legacy branch; refused while NOT READY")
    async def apply(
        name: Name, body: ReasonBody, operator: Operator, response: Response, if_match: IfMatch = None
    ) -> ChangeView:
        expected = required_revision(if_match)
        change = await decommission.apply(name, by=operator.subject, why=body.why, expected=expected)
        return tagged_change(response, change)

    return api
