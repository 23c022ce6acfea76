"""`/admin/…`: what operators may see of the routes (and, later, change). Every path needs role ``operator``.

`GET /admin/routes`          {"version": 7, "routes": [Route, …]}
`GET /admin/routes/{name}`   Route = {name, prefix, new, legacy, share_bp, seed, writes|null, audience}
"""

from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Header, Response
from pydantic import BaseModel

from gateway.auth.tokens import Caller, TokenVerifier
from gateway.errors import Forbidden, StoreUnavailable
from gateway.routing.document import RoutesDocument
from gateway.routing.route import Audience, Route, Side


class Store(Protocol):
    """Where the routes are: `gateway.store.routes.RouteStore`."""

    async def read(self) -> RoutesDocument | None: ...


class RouteView(BaseModel):
    """A route as the API shows it."""

    name: str
    prefix: str
    new: str
    legacy: str
    share_bp: int
    seed: int
    writes: Side | None
    audience: Audience

    @classmethod
    def of(cls, route: Route) -> "RouteView":
        """The view of a route."""
        return cls(**{name: getattr(route, name) for name in cls.model_fields})


class RoutesView(BaseModel):
    """The whole table at one version."""

    version: int
    routes: list[RouteView]


def admin_api(store: Store, verifier: TokenVerifier) -> APIRouter:
    """The router, joined to what it reads from."""

    async def operator(authorization: Annotated[str | None, Header()] = None) -> Caller:
        caller = await verifier.verify(authorization)
        if caller.role != "operator":
            raise Forbidden(f"this needs role operator, and the token's role is {caller.role!r}")
        return caller

    async def document(response: Response) -> RoutesDocument:
        found = await store.read()
        if found is None:
            raise StoreUnavailable("the store has no routes yet: an agent brings them when it reaches the store")
        response.headers["etag"] = f'"{found.version}"'
        response.headers["cache-control"] = "private, no-cache"
        return found

    Document = Annotated[RoutesDocument, Depends(document)]  # noqa: N806 - a type
    api = APIRouter(prefix="/admin", dependencies=[Depends(operator)], tags=["routes"])

    @api.get("/routes", summary="The table of routes and its version")
    async def list_routes(document: Document) -> RoutesView:
        return RoutesView(version=document.version, routes=[RouteView.of(route) for route in document.routes])

    @api.get("/routes/{name}", summary="One route")
    async def show_route(name: str, document: Document) -> RouteView:
        return RouteView.of(document.route(name))

    return api
