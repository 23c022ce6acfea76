"""`/admin/routes/{name}/traffic` and `…/differences`: what both sides did, the verdict, and what the comparator saw.

Every path needs role ``operator``.
"""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from matapalo.strangler.api.operators import Operator
from matapalo.strangler.api.schemas import (
    FIELDS_SHOWN,
    DifferencesView,
    IgnoreBody,
    IgnoredView,
    Name,
    SeriesView,
    TrafficView,
    VerdictView,
    WindowView,
)
from matapalo.strangler.services import Services
from matapalo.strangler.shadow.findings import Ignored

Minutes = Annotated[float, Query(gt=0, le=1_440, description="The window: so many minutes until now.")]


def traffic_api(services: Services) -> APIRouter:
    changes, metrics, findings, clock = services.changes, services.metrics, services.findings, services.clock
    api = APIRouter(prefix="/admin/routes/{name}", tags=["traffic"])

    @api.get("/traffic", summary="Both sides in a window, and the verdict on it")
    async def traffic(name: Name, minutes: Minutes = 15) -> TrafficView:
        route = (await changes.document()).route(name)
        judgement = await metrics.judge(route, since=clock.now() - timedelta(minutes=minutes))
        verdict = VerdictView.model_validate(judgement.verdict, from_attributes=True)
        return TrafficView(route=route.name, window=WindowView.of(judgement.traffic), verdict=verdict)

    @api.get("/traffic/series", summary="Both sides over time, in at most 120 pieces")
    async def series(name: Name, minutes: Minutes = 60) -> SeriesView:
        route = (await changes.document()).route(name)
        windows = await metrics.series(route.name, since=clock.now() - timedelta(minutes=minutes))
        return SeriesView(route=route.name, windows=[WindowView.of(traffic) for traffic in windows])

    @api.get("/differences", summary="What the comparator found, with samples of both responses")
    async def differences(name: Name, minutes: Minutes = 1_440) -> DifferencesView:
        route = (await changes.document()).route(name)
        consistency = await metrics.consistency(route.name, since=clock.now() - timedelta(minutes=minutes))
        samples = await findings.samples(route.name, [field.path for field in consistency.fields[:FIELDS_SHOWN]])
        return DifferencesView.of(route.name, consistency, samples, await findings.ignored(route.name))

    @api.delete("/differences", summary="Forget what was found: after a fix, it is not held against the new side")
    async def forget(name: Name) -> Response:
        await findings.forget((await changes.document()).route(name).name)
        return Response(status_code=204)

    @api.post(
        "/differences/ignored",
        summary="Do not compare a field any more",
        status_code=201,
        response_model=IgnoredView,
    )
    async def ignore(name: Name, body: IgnoreBody, operator: Operator) -> Ignored:
        route = (await changes.document()).route(name)
        return await findings.ignore(route.name, body.path, by=operator.subject, why=body.why)

    @api.delete("/differences/ignored", summary="Compare a field again")
    async def unignore(name: Name, path: Annotated[str, Query(max_length=256)]) -> Response:
        was_there = await findings.unignore((await changes.document()).route(name).name, path)
        return Response(status_code=204 if was_there else 404)

    return api
