"""`/admin/routes/{name}/traffic` and `…/differences`: what both sides did, the verdict, and what the comparator found.

Every path needs role ``operator``. Shares are 0-1, latencies milliseconds.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from matapalo.auth.verifier import Caller
from matapalo.process.clock import Clock
from matapalo.strangler.api.operators import OperatorGate
from matapalo.strangler.api.schemas import Why
from matapalo.strangler.metrics.reader import Watching
from matapalo.strangler.metrics.traffic import SideTraffic, Traffic
from matapalo.strangler.shadow.consistency import Consistency, Standing
from matapalo.strangler.shadow.findings import Findings, Ignored, Sample
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.verdict import Outcome, Verdict

Name = Annotated[str, Path(description="The name of a route.", max_length=64)]
Minutes = Annotated[float, Query(gt=0, le=1_440, description="The window: so many minutes until now.")]
FIELDS_SHOWN = 100


class SideView(BaseModel):
    """One side in a window. None: nobody measured it."""

    requests: int
    failed: int
    per_second: float
    error_share: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None

    @classmethod
    def of(cls, side: SideTraffic, length_s: float) -> "SideView":
        """The view of a side."""
        quantiles = (side.quantile_ms(q) for q in (0.5, 0.95, 0.99))
        p50, p95, p99 = (None if found is None else round(found, 1) for found in quantiles)
        return cls(
            requests=side.requests,
            failed=side.failed,
            per_second=round(side.requests / length_s, 3) if length_s else 0.0,
            error_share=side.error_share,
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
        )


class WindowView(BaseModel):
    """Both sides in a window."""

    since: datetime
    until: datetime
    new: SideView
    legacy: SideView

    @classmethod
    def of(cls, traffic: Traffic) -> "WindowView":
        """The view of a window."""
        sides = (SideView.of(side, traffic.length_s) for side in (traffic.new, traffic.legacy))
        new, legacy = sides
        return cls(since=traffic.since, until=traffic.until, new=new, legacy=legacy)


class CheckView(BaseModel):
    """One question of a gate, its answer, and the numbers that decided."""

    name: str
    outcome: Outcome
    because: str
    numbers: dict[str, float]


class VerdictView(BaseModel):
    """The worst of the checks."""

    outcome: Outcome
    because: str
    checks: list[CheckView]

    @classmethod
    def of(cls, verdict: Verdict) -> "VerdictView":
        """The view of a verdict."""
        checks = [
            CheckView(name=check.name, outcome=check.outcome, because=check.because, numbers=dict(check.numbers))
            for check in verdict.checks
        ]
        return cls(outcome=verdict.outcome, because=verdict.because, checks=checks)


class TrafficView(BaseModel):
    """A window and what a gate would say of it."""

    route: str
    window: WindowView
    verdict: VerdictView


class SeriesView(BaseModel):
    """A window in pieces, the oldest first."""

    route: str
    windows: list[WindowView]


class SampleView(BaseModel):
    """Both answers to one request; fields that are not listed in `compare.toml` are redacted."""

    at: datetime
    request: str
    legacy: Any
    new: Any

    @classmethod
    def of(cls, sample: Sample) -> "SampleView":
        """The view of a sample."""
        return cls(at=sample.at, request=sample.request, legacy=sample.legacy, new=sample.new)


class FieldView(BaseModel):
    """A path at which answers differed. ``noise``: how often legacy differed from itself there."""

    path: str
    raw: int
    noise: int
    kinds: list[str]
    standing: Standing
    p: float
    samples: list[SampleView]


class IgnoredView(BaseModel):
    """A field whose differences count for nothing, and on whose word."""

    path: str
    by: str
    why: str
    at: datetime

    @classmethod
    def of(cls, entry: Ignored) -> "IgnoredView":
        """The view of an entry."""
        return cls(path=entry.path, by=entry.by, why=entry.why, at=entry.at)


class DifferencesView(BaseModel):
    """What the comparator found in a window."""

    route: str
    compared: int
    failed: int
    dropped: int
    same_share: float | None
    fields: list[FieldView]
    ignored: list[IgnoredView]


class IgnoreBody(BaseModel):
    """Which field (and everything below it) is not compared any more, and why."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(pattern=r"^(\$|\()", max_length=256, examples=["$.items[*].placed_at"])
    why: Why


def watched_api(
    changes: Changes, watching: Watching, findings: Findings, operator: OperatorGate, clock: Clock
) -> APIRouter:
    """The router, joined to what it reads."""
    Operator = Annotated[Caller, Depends(operator)]  # noqa: N806 - a type
    api = APIRouter(prefix="/admin/routes/{name}", dependencies=[Depends(operator)], tags=["watching"])

    @api.get("/traffic", summary="Both sides in a window, and the verdict on it")
    async def traffic(name: Name, minutes: Minutes = 15) -> TrafficView:
        route = (await changes.document()).route(name)
        judged = await watching.judge(route, since=clock.now() - timedelta(minutes=minutes))
        return TrafficView(
            route=route.name, window=WindowView.of(judged.traffic), verdict=VerdictView.of(judged.verdict)
        )

    @api.get("/traffic/series", summary="Both sides over time, in at most 120 pieces")
    async def series(name: Name, minutes: Minutes = 60) -> SeriesView:
        route = (await changes.document()).route(name)
        found = await watching.series(route.name, since=clock.now() - timedelta(minutes=minutes))
        return SeriesView(route=route.name, windows=[WindowView.of(each) for each in found])

    @api.get("/differences", summary="What the comparator found, with samples of both answers")
    async def differences(name: Name, minutes: Minutes = 1_440) -> DifferencesView:
        route = (await changes.document()).route(name)
        found = await watching.consistency(route.name, since=clock.now() - timedelta(minutes=minutes))
        samples = await findings.samples(route.name, [field.path for field in found.fields[:FIELDS_SHOWN]])
        return _differences(route.name, found, samples, await findings.ignored(route.name))

    @api.delete("/differences", summary="Forget what was found: after a fix, it is not held against the new side")
    async def forget(name: Name) -> Response:
        await findings.forget((await changes.document()).route(name).name)
        return Response(status_code=204)

    @api.post("/differences/ignored", summary="Do not compare a field any more", status_code=201)
    async def ignore(name: Name, body: IgnoreBody, operator: Operator) -> IgnoredView:
        route = (await changes.document()).route(name)
        return IgnoredView.of(await findings.ignore(route.name, body.path, by=operator.subject, why=body.why))

    @api.delete("/differences/ignored", summary="Compare a field again")
    async def heed(name: Name, path: Annotated[str, Query(max_length=256)]) -> Response:
        was_there = await findings.heed((await changes.document()).route(name).name, path)
        return Response(status_code=204 if was_there else 404)

    return api


def _differences(
    route: str, found: Consistency, samples: dict[str, list[Sample]], ignored: list[Ignored]
) -> DifferencesView:
    fields = [
        FieldView(
            path=field.path,
            raw=field.raw,
            noise=field.noise,
            kinds=[*field.kinds],
            standing=field.standing,
            p=field.p,
            samples=[SampleView.of(sample) for sample in samples.get(field.path, ())],
        )
        for field in found.fields[:FIELDS_SHOWN]
    ]
    return DifferencesView(
        route=route,
        compared=found.compared,
        failed=found.failed,
        dropped=found.dropped,
        same_share=found.same_share,
        fields=fields,
        ignored=[IgnoredView.of(entry) for entry in ignored],
    )
