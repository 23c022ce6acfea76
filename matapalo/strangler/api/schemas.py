"""What the admin API shows and takes, as OpenAPI documents it: every schema of ours.

Shares of users are basis points (2500 is 25 %), all other shares 0-1, latencies milliseconds. FastAPI reads a ``…View``
from the value it shows, member by member; ``of`` is there where a member is not one of the value's own.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from matapalo.strangler.decommission.report import Report
from matapalo.strangler.metrics.traffic import Traffic
from matapalo.strangler.rollout.messages import RolloutState
from matapalo.strangler.routing.change import Action, Change
from matapalo.strangler.routing.decide import Reason
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Audience, Route, Side
from matapalo.strangler.routing.share import parse_share
from matapalo.strangler.shadow.consistency import Consistency, Standing
from matapalo.strangler.shadow.findings import Ignored, Sample
from matapalo.strangler.store.changes import LONGEST_WHY
from matapalo.strangler.store.nodes import Nodes
from matapalo.strangler.verdict.checks import Outcome

Name = Annotated[str, Path(description="The name of a route.", max_length=64)]
Why = Annotated[str, Field(min_length=1, max_length=LONGEST_WHY, description="For the readers of the history.")]
Evidence = Annotated[dict[str, Any], Field(description="What the decision was based on; kept in the history.")]
FIELDS_SHOWN = 100


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


# --- routes ----------------------------------------------------------------------------------------------------------


class MatchView(_Body):
    """Requests with this value take this side."""

    value: str
    side: Side = Side.NEW


class RouteView(BaseModel):
    """A route. ``revision`` is the table's version that changed it last, and its ETag."""

    name: str
    prefix: str
    new: str
    legacy: str
    share_bp: int
    seed: int
    writes: Side | None
    canary: list[MatchView]
    cohorts: list[MatchView]
    users: list[str]
    audience: Audience
    timeout_ms: int
    retries: int
    fallback: bool
    shadow_bp: int
    retired: bool
    revision: int

    @classmethod
    def of(cls, route: Route, revision: int) -> "RouteView":
        return cls.model_validate(msgspec.structs.asdict(route) | {"revision": revision}, from_attributes=True)


class RoutesView(BaseModel):
    """The whole table at one version."""

    version: int
    routes: list[RouteView]

    @classmethod
    def of(cls, document: RoutesDocument) -> "RoutesView":
        routes = [RouteView.of(route, document.revision(route.name)) for route in document.routes]
        return cls(version=document.version, routes=routes)


class ChangeBody(_Body):
    """Why, and which fields of the route are to be what; the others stay."""

    why: Why
    evidence: Evidence = {}
    share_bp: int | None = None
    writes: Side | None = None
    canary: list[MatchView] | None = None
    cohorts: list[MatchView] | None = None
    users: list[str] | None = None
    new: str | None = None
    legacy: str | None = None
    audience: Audience | None = None
    timeout_ms: int | None = None
    retries: int | None = None
    fallback: bool | None = None
    shadow_bp: int | None = None

    def fields(self) -> Mapping[str, Any]:
        """The fields that were sent. Only ``writes`` may be null: writes then follow the share."""
        return self.model_dump(exclude_unset=True, exclude={"why", "evidence"}, mode="json")


class ReasonBody(_Body):
    """Why, for the history."""

    why: Why
    evidence: Evidence = {}


class RollbackBody(ReasonBody):
    """Why, and to which version of the table; without one to before the last change that was not rolled back yet."""

    to: int | None = Field(default=None, ge=1)


class PathBody(_Body):
    """Which route, and why."""

    path: str = Field(max_length=256, examples=["/api/things"])
    why: Why | None = None


class PercentageBody(PathBody):
    """Which route, how many of its users, and why."""

    percentage: float = Field(ge=0, le=100, examples=[25], description="Steps of 0.01.")

    @property
    def share_bp(self) -> int:
        """The share in basis points. Raises InvalidChange where it is no whole number of them."""
        return parse_share(str(self.percentage))


class ChangeView(BaseModel):
    """One entry of the history. ``changes``: field to what it was and what it is."""

    version: int
    route: str
    action: Action
    at: datetime
    by: str
    why: str
    changes: dict[str, tuple[Any, Any]]
    evidence: dict[str, Any]
    restores: int | None
    before: RouteView
    after: RouteView

    @classmethod
    def of(cls, change: Change) -> "ChangeView":
        members = msgspec.structs.asdict(change) | {
            "changes": msgspec.to_builtins(change.differences()),
            "restores": change.restores if change.action is Action.ROLLBACK else None,
            "before": RouteView.of(change.before, change.version - 1),
            "after": RouteView.of(change.after, change.version),
        }
        return cls(**members)


class HistoryView(BaseModel):
    """The newest changes first."""

    changes: list[ChangeView]


class ExplanationView(BaseModel):
    """Why a request takes its side. ``joins_at_bp``: the lowest share at which its user has the new side."""

    route: str
    side: Side
    reason: Reason
    sentence: str
    upstream: str
    joins_at_bp: int | None
    is_shadowed: bool
    can_fall_back: bool


class NodeView(BaseModel):
    """An Envoy, by its agent's last report. ``is_current``: the stored version is live in it."""

    node: str
    version: int
    is_current: bool
    is_alive: bool
    at: datetime
    reads_log: bool
    rejected_version: int | None
    problem: str | None


class NodesView(BaseModel):
    """Where the stored version is live. ``highest_applied`` is of all agents."""

    version: int
    live: int
    nodes: int
    highest_applied: int
    reports: list[NodeView]

    @classmethod
    def of(cls, nodes: Nodes) -> "NodesView":
        reports = [
            NodeView(
                **msgspec.structs.asdict(report), is_current=nodes.is_current(report), is_alive=nodes.is_alive(report)
            )
            for report in nodes.reports
        ]
        applied = nodes.highest_applied
        return cls(version=nodes.version, live=nodes.live, nodes=len(reports), highest_applied=applied, reports=reports)


# --- traffic and differences -----------------------------------------------------------------------------------------


_Latency = Annotated[float, AfterValidator(lambda latency_ms: round(latency_ms, 1))]


class SideView(BaseModel):
    """One side in a window. None: it was not measured."""

    requests: int
    failed: int
    per_second: Annotated[float, AfterValidator(lambda rate: round(rate, 3))]
    error_share: float | None
    p50_ms: _Latency | None
    p95_ms: _Latency | None
    p99_ms: _Latency | None


class WindowView(BaseModel):
    """Both sides in a window."""

    since: datetime
    until: datetime
    new: SideView
    legacy: SideView

    @classmethod
    def of(cls, traffic: Traffic) -> "WindowView":
        new, legacy = (
            SideView.model_validate(side.rates(traffic.length_s), from_attributes=True)
            for side in (traffic.new, traffic.legacy)
        )
        return cls(since=traffic.since, until=traffic.until, new=new, legacy=legacy)


class CheckView(BaseModel):
    """One question of a gate, its outcome, and the numbers that decided."""

    name: str
    outcome: Outcome
    because: str
    numbers: dict[str, float]


class VerdictView(BaseModel):
    """The worst of the checks."""

    outcome: Outcome
    because: str
    checks: list[CheckView]


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
    """Both responses to one request; fields that are not listed in `compare.toml` are redacted."""

    at: datetime
    request: str
    legacy: Any
    new: Any


class FieldView(BaseModel):
    """A path at which responses differed. ``noise``: how often legacy differed from itself there."""

    path: str
    raw: int
    noise: int
    kinds: list[str]
    standing: Standing
    p: float
    samples: list[SampleView]


class IgnoredView(BaseModel):
    """A field whose differences count for nothing, and by which operator."""

    path: str
    by: str
    why: str
    at: datetime


class DifferencesView(BaseModel):
    """What the comparator found in a window."""

    route: str
    compared: int
    failed: int
    dropped: int
    same_share: float | None
    fields: list[FieldView]
    ignored: list[IgnoredView]

    @classmethod
    def of(
        cls, route: str, consistency: Consistency, samples: Mapping[str, Sequence[Sample]], ignored: Sequence[Ignored]
    ) -> "DifferencesView":
        fields = [
            msgspec.structs.asdict(field) | {"samples": samples.get(field.path, ())}
            for field in consistency.fields[:FIELDS_SHOWN]
        ]
        members = msgspec.structs.asdict(consistency) | {"route": route, "fields": fields, "ignored": ignored}
        members["same_share"] = consistency.same_share
        return cls.model_validate(members, from_attributes=True)


class IgnoreBody(_Body):
    """Which field (and everything below it) is not compared any more, and why."""

    path: str = Field(pattern=r"^(\$|\()", max_length=256, examples=["$.items[*].placed_at"])
    why: Why


# --- rollouts --------------------------------------------------------------------------------------------------------


class StartBody(_Body):
    """A plan, and why."""

    route: str = Field(max_length=256, description="The name of a route, or a path it covers.", examples=["things"])
    plan: str = Field(max_length=1_000, examples=["5% for 1 day, 10% for 2 days, 50% for 1 week after approval, 100%"])
    why: Why
    check_every_s: float | None = Field(
        default=None, ge=1, le=86_400, description="How often the gates are asked; by default a setting decides."
    )
    failures_allowed: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="So many failed gates in a row take the route back to 0 %; by default 3.",
    )


class CommandBody(_Body):
    """Why, for the timeline."""

    why: Why


class RolloutsView(BaseModel):
    """The last rollout of each route that ever had one."""

    rollouts: list[RolloutState]


class RequirementView(BaseModel):
    """One condition, and the numbers that decide it."""

    is_met: bool
    because: str


class CallerView(BaseModel):
    """A client that reached the legacy side; ``fallbacks`` and ``writes`` are parts of ``count``."""

    client: str
    version: str
    user_agent: str = Field(validation_alias="agent")
    count: int
    fallbacks: int
    writes: int
    first_seen: datetime = Field(validation_alias="first_ms")
    last_seen: datetime = Field(validation_alias="last_ms")
    is_recent: bool


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
        evidence, asdict = report.evidence, msgspec.structs.asdict
        recent = evidence.recent()
        members = evidence._asdict() | {
            "route": evidence.route.name,
            "is_ready": report.is_ready,
            "is_retired": evidence.route.retired,
            "requirements": report.requirements,
            "callers": [
                asdict(caller) | asdict(hits) | {"is_recent": caller in recent}
                for caller, hits in evidence.callers.items()
            ],
            "last_hit": evidence.last_hit,
            "days_since_last_hit": evidence.days_since_last_hit,
            "quiet_days": evidence.quiet / timedelta(days=1),
        }
        return cls.model_validate(members, from_attributes=True)


class ReportsView(BaseModel):
    """The reports on all routes."""

    routes: list[ReportView]


class LoginCode(BaseModel):
    """A code that opens the console once."""

    code: str
    path: str
    expires_in_s: int
