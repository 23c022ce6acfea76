"""`/admin/routes/{name}/decommission`: whether the legacy side is dead, and its removal. Role ``operator``."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from matapalo.auth.verifier import Caller
from matapalo.strangler.api.operators import OperatorGate
from matapalo.strangler.api.preconditions import IfMatch, etag, required_revision
from matapalo.strangler.api.routes import Name
from matapalo.strangler.api.schemas import ChangeView, ReasonBody
from matapalo.strangler.decommission.evidence import Decommission, Report
from matapalo.strangler.routing.hits import Hits, LegacyCaller


class RequirementView(BaseModel):
    """One condition, and the numbers that decide it."""

    is_met: bool
    because: str


class CallerView(BaseModel):
    """Somebody who reached the legacy side; ``fallbacks`` and ``writes`` are parts of ``count``."""

    client: str
    version: str
    user_agent: str
    count: int
    fallbacks: int
    writes: int
    first_seen: datetime
    last_seen: datetime
    is_recent: bool

    @classmethod
    def of(cls, caller: LegacyCaller, hits: Hits, *, is_recent: bool) -> "CallerView":
        """The view of a caller."""
        return cls(
            client=caller.client,
            version=caller.version,
            user_agent=caller.agent,
            count=hits.count,
            fallbacks=hits.fallbacks,
            writes=hits.writes,
            first_seen=datetime.fromtimestamp(hits.first_ms / 1000, UTC),
            last_seen=datetime.fromtimestamp(hits.last_ms / 1000, UTC),
            is_recent=is_recent,
        )


class ReportView(BaseModel):
    """READY or not, and why. ``revision`` is the route's, for If-Match."""

    route: str
    revision: int
    is_ready: bool
    is_retired: bool
    requirements: list[RequirementView]
    callers: list[CallerView]
    last_hit: datetime | None
    days_since_last_hit: float | None
    counted_since: datetime | None
    difference_rate: float | None
    quiet_days: float

    @classmethod
    def of(cls, report: Report) -> "ReportView":
        """The view of a report."""
        evidence = report.evidence
        recent = evidence.recent()
        newest_first = sorted(evidence.callers.items(), key=lambda pair: -pair[1].last_ms)
        return cls(
            route=evidence.route.name,
            revision=evidence.revision,
            is_ready=report.is_ready,
            is_retired=evidence.route.retired,
            requirements=[RequirementView(**requirement._asdict()) for requirement in report.requirements],
            callers=[CallerView.of(caller, hits, is_recent=caller in recent) for caller, hits in newest_first],
            last_hit=evidence.last_hit,
            days_since_last_hit=evidence.days_since_last_hit,
            counted_since=evidence.counted_since,
            difference_rate=evidence.difference_rate,
            quiet_days=evidence.quiet.total_seconds() / 86_400,
        )


class ReportsView(BaseModel):
    """Of all routes."""

    routes: list[ReportView]


def retirement_api(decommission: Decommission, operator: OperatorGate) -> APIRouter:
    """The router, joined to what it asks."""
    Operator = Annotated[Caller, Depends(operator)]  # noqa: N806 - a type
    api = APIRouter(prefix="/admin", dependencies=[Depends(operator)], tags=["decommission"])

    @api.get("/decommission", summary="Whether the legacy sides are dead, of all routes")
    async def reports() -> ReportsView:
        return ReportsView(routes=[ReportView.of(report) for report in await decommission.reports()])

    @api.get("/routes/{name}/decommission", summary="Whether the legacy side is dead, and who still reaches it")
    async def report(name: Name, response: Response) -> ReportView:
        found = await decommission.report(name)
        response.headers["etag"] = etag(found.evidence.revision)
        return ReportView.of(found)

    @api.post("/routes/{name}/decommission", summary="Remove the legacy branch; refused while NOT READY")
    async def apply(
        name: Name, body: ReasonBody, operator: Operator, response: Response, if_match: IfMatch = None
    ) -> ChangeView:
        expected = required_revision(if_match)
        change = await decommission.apply(name, by=operator.subject, why=body.why, expected=expected)
        response.headers["etag"] = etag(change.version)
        return ChangeView.of(change)

    return api
