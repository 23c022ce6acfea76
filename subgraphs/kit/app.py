"""The factory every service is made by: one router in, one ASGI app out, with the same layers around it.

From the outside in: `Observed` (request id, metrics, log, errors of last resort), `Faults` (development only),
`Identified` (the caller, and may they try), FastAPI. `/healthz`, `/readyz` and `/metrics` are outside of the contract.
"""

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route

from subgraphs.kit.database import Database
from subgraphs.kit.identity import Identified
from subgraphs.kit.observability import Metrics, Observed
from subgraphs.kit.openapi import contract
from subgraphs.kit.problem import MethodNotAllowed, Problem, from_http_exception, from_validation, render
from subgraphs.kit.settings import Settings


def create_app(service: str, *, description: str, router: APIRouter, settings: Settings, database: Database) -> FastAPI:
    """The app of ``service``. The caller owns ``database`` and closes it."""
    app = FastAPI(title=f"Matapalo {service}", description=description, docs_url=None, redoc_url=None)
    app.state.database = database
    app.router.routes.extend(router.routes)
    app.router.routes.extend(_operational(service, database, metrics := Metrics(service)))
    app.openapi = lambda: contract(app)  # type: ignore[method-assign]  # FastAPI's documented way to extend it

    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _validation)

    app.add_middleware(Identified)
    if settings.development:
        from subgraphs.kit.fault import Faults  # in production the module must not even be loaded

        app.add_middleware(Faults, settings=settings)
    app.add_middleware(Observed, metrics=metrics)
    return app


def _operational(service: str, database: Database, metrics: Metrics) -> list[Route]:
    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok", "service": service})

    async def readyz(_: Request) -> Response:
        reason = await database.why_not_ready()
        body = {"ready": reason is None, "missing": {} if reason is None else {"database": reason}, "service": service}
        return JSONResponse(body, status_code=200 if reason is None else 503)

    async def exposition(_: Request) -> Response:
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", exposition)]


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101  # registered for this type
    return render(error, request.url.path)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this type
    path = request.url.path
    if error.status_code == MethodNotAllowed.status:
        allowed = ", ".join(_methods_of_the_resource(request))
        return render(MethodNotAllowed(f"{path} allows {allowed}.", headers={"allow": allowed}), path)
    return render(from_http_exception(error, path=path), path)


def _methods_of_the_resource(request: Request) -> list[str]:
    """The methods of the path. The framework knows only the first route of several with the same path."""
    matching = [
        route
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
    ]
    most_exact = min((route.path for route in matching), key=lambda path: path.count("{"))
    return sorted({method for route in matching if route.path == most_exact for method in route.methods or ()})


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this type
    return render(from_validation(error), request.url.path)
