"""`/admin/routes`: the table, its changes, its history, and why a user is on a side. All of it needs role ``operator``.

A route is named by its name; writes need `If-Match` and say why. `/admin/nodes` tells where a change is live.
"""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse

from matapalo.strangler.api.operators import Operator
from matapalo.strangler.api.preconditions import IfMatch, etag, required_revision, tagged_change
from matapalo.strangler.api.schemas import (
    ChangeBody,
    ChangeView,
    ExplanationView,
    HistoryView,
    Name,
    NodesView,
    ReasonBody,
    RollbackBody,
    RoutesView,
    RouteView,
)
from matapalo.strangler.routing.change import Change
from matapalo.strangler.routing.decide import Request
from matapalo.strangler.routing.document import RoutesDocument, render_toml
from matapalo.strangler.routing.explain import Explanation, explain
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.nodes import NodeReader

Limit = Annotated[int, Query(ge=1, le=1_000)]
Before = Annotated[int | None, Query(ge=1, description="Only changes of versions below this one.")]
Text = Annotated[str | None, Query(max_length=128)]


def routes_api(changes: Changes, node_reader: NodeReader) -> APIRouter:
    api = APIRouter(prefix="/admin", tags=["routes"])
    _add_reads(api, changes)
    _add_writes(api, changes)

    @api.get("/nodes", summary="On how many Envoys the stored version is live")
    async def nodes() -> NodesView:
        return NodesView.of(await node_reader.read())

    return api


def _add_reads(api: APIRouter, changes: Changes) -> None:
    @api.get("/routes", summary="The table of routes and its version")
    async def list_routes(response: Response) -> RoutesView:
        return RoutesView.of(_tagged(response, await changes.document()))

    @api.get("/routes.toml", summary="The table as a file that seeds an installation", response_class=PlainTextResponse)
    async def print_routes(response: Response) -> str:
        return render_toml(_tagged(response, await changes.document()).routes)

    @api.get("/routes/{name}", summary="One route; its ETag is for If-Match")
    async def show_route(name: Name, response: Response) -> RouteView:
        document = _tagged(response, await changes.document())
        route = document.route(name)
        revision = document.revision(route.name)
        response.headers["etag"] = etag(revision)
        return RouteView.of(route, revision)

    @api.get("/routes/{name}/history", summary="The changes of one route, newest first")
    async def history_of(name: Name, limit: Limit = 50, before: Before = None) -> HistoryView:
        return _history(await changes.history(name, limit=limit, before=before))

    @api.get("/history", summary="The changes of all routes, newest first")
    async def history(limit: Limit = 50, before: Before = None) -> HistoryView:
        return _history(await changes.history(limit=limit, before=before))

    @api.get(
        "/routes/{name}/explain",
        summary="Which side a request would take, and why",
        response_model=ExplanationView,
    )
    async def explain_route(
        name: Name,
        user: Text = None,
        method: Annotated[str, Query(pattern="^[A-Z]{1,16}$")] = "GET",
        canary: Text = None,
        cohort: Text = None,
        force: Text = None,
    ) -> Explanation:
        route = (await changes.document()).route(name)
        return explain(route, Request(method, user or None, force, canary, cohort))


def _add_writes(api: APIRouter, changes: Changes) -> None:
    @api.patch("/routes/{name}", summary="Change some fields of a route")
    async def change_route(
        name: Name, body: ChangeBody, operator: Operator, response: Response, if_match: IfMatch = None
    ) -> ChangeView:
        expected = required_revision(if_match)
        change = await changes.set_route(
            name, body.fields(), by=operator.subject, why=body.why, expected=expected, evidence=body.evidence
        )
        return tagged_change(response, change)

    @api.post("/routes/{name}/complete", summary="Everything to the new side, writes included")
    async def complete(
        name: Name, body: ReasonBody, operator: Operator, response: Response, if_match: IfMatch = None
    ) -> ChangeView:
        expected = required_revision(if_match)
        change = await changes.complete(
            name, by=operator.subject, why=body.why, expected=expected, evidence=body.evidence
        )
        return tagged_change(response, change)

    @api.post("/routes/{name}/rollback", summary="The route as it was before its last change, or at a version")
    async def roll_back(
        name: Name, body: RollbackBody, operator: Operator, response: Response, if_match: IfMatch = None
    ) -> ChangeView:
        expected = required_revision(if_match)
        change = await changes.rollback(
            name, by=operator.subject, why=body.why, to=body.to, expected=expected, evidence=body.evidence
        )
        return tagged_change(response, change)


def _tagged(response: Response, document: RoutesDocument) -> RoutesDocument:
    response.headers["etag"] = etag(document.version)
    response.headers["cache-control"] = "private, no-cache"
    return document


def _history(changes: Sequence[Change]) -> HistoryView:
    return HistoryView(changes=[ChangeView.of(change) for change in changes])
