"""What the admin API shows and takes, as OpenAPI documents it. Shares are basis points: 2500 is 25 %."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from matapalo.strangler.routing.change import Action, Change
from matapalo.strangler.routing.decide import Reason
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.explain import Explanation
from matapalo.strangler.routing.route import Audience, Match, Route, Side
from matapalo.strangler.store.changes import LONGEST_WHY
from matapalo.strangler.store.nodes import Nodes

Why = Annotated[str, Field(min_length=1, max_length=LONGEST_WHY, description="For whoever reads the history.")]
Evidence = Annotated[dict[str, Any], Field(description="What the decision was based on; kept in the history.")]


class MatchView(BaseModel):
    """Requests with this value take this side."""

    model_config = ConfigDict(extra="forbid")

    value: str
    side: Side = Side.NEW

    @classmethod
    def of(cls, match: Match) -> "MatchView":
        """The view of a rule."""
        return cls(value=match.value, side=match.side)


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
        """The view of a route."""
        return cls(**msgspec.to_builtins(route_fields(route)), revision=revision)


def route_fields(route: Route) -> dict[str, Any]:
    """All fields, also those at their defaults."""
    return {name: getattr(route, name) for name in Route.__struct_fields__}


class RoutesView(BaseModel):
    """The whole table at one version."""

    version: int
    routes: list[RouteView]

    @classmethod
    def of(cls, document: RoutesDocument) -> "RoutesView":
        """The view of a document."""
        routes = [RouteView.of(route, document.revision(route.name)) for route in document.routes]
        return cls(version=document.version, routes=routes)


class ChangeBody(BaseModel):
    """Why, and which fields of the route are to be what; the others stay."""

    model_config = ConfigDict(extra="forbid")

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


class ReasonBody(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    why: Why
    evidence: Evidence = {}


class RollbackBody(ReasonBody):
    """Why, and to which version of the table; without one to before the last change that is not undone yet."""

    to: int | None = Field(default=None, ge=1)


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
        """The view of a change."""
        return cls(
            version=change.version,
            route=change.route,
            action=change.action,
            at=change.at,
            by=change.by,
            why=change.why,
            changes=msgspec.to_builtins(change.differences()),
            evidence=dict(change.evidence),
            restores=change.restores if change.action is Action.ROLLBACK else None,
            before=RouteView.of(change.before, change.version - 1),
            after=RouteView.of(change.after, change.version),
        )


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

    @classmethod
    def of(cls, explanation: Explanation) -> "ExplanationView":
        """The view of an explanation."""
        return cls(**explanation._asdict())


class NodeView(BaseModel):
    """An Envoy, by its agent's last report. ``is_live``: it obeys the stored version."""

    node: str
    version: int
    is_live: bool
    is_heard: bool
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
        """The view of all nodes."""
        return cls(
            version=nodes.version,
            live=nodes.live,
            nodes=len(nodes.reports),
            highest_applied=nodes.highest_applied,
            reports=[
                NodeView(
                    **{**msgspec.structs.asdict(report), "is_live": nodes.is_current(report)},
                    is_heard=nodes.is_alive(report),
                )
                for report in nodes.reports
            ],
        )
