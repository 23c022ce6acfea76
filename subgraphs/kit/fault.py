"""Faults on demand, in development only: `PUT /__fault` makes a service slow, failing, silent or wrong.

The path is on the service's own port and never routed. In production neither the route nor this middleware exists:
making `Faults` there is a start-up error, and `kit/app.py` does not even import this module.

A fault holds for the paths below its ``prefix``: the monolith serves every route, and usually one of them is to fail.
``method`` and ``suffix`` (`/confirm`) narrow it to one operation; suffix "" is the collection itself.
One fault for each of the three, the most specific one that fits is taken; `DELETE /__fault?prefix=…` ends those of a
prefix, without it all of them. `GET` lists the faults, each with how many requests it has ``seen`` so far.
``share`` of the requests are hit, by counting (every second one at 0.5), never at random, so that tests can tell.
"""

import asyncio
from typing import Annotated, Any

import orjson
from fastapi.exceptions import RequestValidationError
from jsonpatch import JsonPatch, JsonPatchException
from jsonpointer import JsonPointerException
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from subgraphs.kit.connection import Dropped
from subgraphs.kit.problem import InternalError, MethodNotAllowed, from_validation, render
from subgraphs.kit.settings import Settings

PATH = "/__fault"


class FaultsInProduction(RuntimeError):
    """Fault injection was requested outside development."""


def _json_patch(operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        JsonPatch(operations)
    except (JsonPatchException, JsonPointerException) as error:
        raise ValueError(f"is no JSON Patch (RFC 6902): {error}") from error
    return operations


class Fault(BaseModel):
    """What goes wrong, for which share of the requests below which path."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prefix: Annotated[str, Field(pattern=r"^/api(/[a-z]+)*$")] = "/api"
    method: Annotated[str | None, Field(pattern=r"^[A-Z]+$")] = None
    suffix: Annotated[str | None, Field(pattern=r"^(/[a-z]+)?$")] = None
    latency_ms: Annotated[int, Field(ge=0, le=60_000)] = 0
    status: Annotated[int | None, Field(ge=400, le=599)] = None
    drop: bool = False
    share: Annotated[float, Field(ge=0, le=1)] = 1.0
    patch: Annotated[list[dict[str, Any]], AfterValidator(_json_patch)] = []

    @property
    def place(self) -> tuple[str, str | None, str | None]:
        """What it is for; another fault for the same replaces it."""
        return self.prefix, self.method, self.suffix

    @property
    def precision(self) -> tuple[int, bool, bool]:
        """The greater, the more specific."""
        return len(self.prefix), self.suffix is not None, self.method is not None

    def fits(self, method: str, path: str) -> bool:
        """Whether the request is one of those it is for."""
        if self.method not in (None, method) or not (path == self.prefix or path.startswith(f"{self.prefix}/")):
            return False
        if self.suffix is None:
            return True
        return path.endswith(self.suffix) if self.suffix else path == self.prefix


def hits(number: int, share: float) -> bool:
    """Whether request ``number`` (from 1) is among the ``share``, spread as evenly as can be."""
    return int(number * share) > int((number - 1) * share)


class Faults:
    """The middleware that holds the faults of one service and applies them."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        if not settings.development:
            raise FaultsInProduction("Fault injection exists in development only (MATAPALO_ENV=development).")
        self.app = app
        self.faults: dict[tuple[str, str | None, str | None], Fault] = {}
        self.seen: dict[tuple[str, str | None, str | None], int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"] == PATH:
            await (await self._administer(Request(scope, receive)))(scope, receive, send)
        elif (fault := self._next(scope["method"], scope["path"])) is not None:
            await self._fail(fault, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _administer(self, request: Request) -> Response:
        match request.method:
            case "PUT":
                try:
                    fault = Fault.model_validate_json(await request.body())
                except ValidationError as error:
                    items = [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)]
                    return render(from_validation(RequestValidationError(items)), PATH)
                self.faults[fault.place] = fault
                self.seen[fault.place] = 0
            case "DELETE":
                prefix = request.query_params.get("prefix")
                self.faults = {place: fault for place, fault in self.faults.items() if prefix not in (None, place[0])}
            case "GET":
                pass
            case _:
                return render(MethodNotAllowed("Use GET, PUT or DELETE.", headers={"allow": "GET, PUT, DELETE"}), PATH)
        return JSONResponse(
            [{**fault.model_dump(mode="json"), "seen": self.seen[place]} for place, fault in self.faults.items()]
        )

    def _next(self, method: str, path: str) -> Fault | None:
        fitting = [fault for fault in self.faults.values() if fault.fits(method, path)]
        if not fitting:
            return None
        fault = max(fitting, key=lambda fault: fault.precision)
        self.seen[fault.place] += 1
        return fault if hits(self.seen[fault.place], fault.share) else None

    async def _fail(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.latency_ms:
            await asyncio.sleep(fault.latency_ms / 1000)
        if fault.drop:
            await Dropped()(scope, receive, send)
        elif fault.status is not None:
            problem = InternalError("A fault was requested.", extensions={"status": fault.status})
            response = render(problem, scope["path"])
            response.status_code = fault.status
            await response(scope, receive, send)
        elif fault.patch:
            await self._patched(fault, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _patched(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the app, changes its JSON, and sends that. A patch that does not fit changes nothing."""
        start: Message = {}
        content = bytearray()

        async def hold(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            else:
                content.extend(message.get("body", b""))

        await self.app(scope, receive, hold)
        try:
            changed = orjson.dumps(JsonPatch(fault.patch).apply(orjson.loads(content)))
        except (JsonPatchException, JsonPointerException, TypeError, orjson.JSONDecodeError):
            changed = bytes(content)
        drop = (b"content-length", b"etag")
        headers = [(name, value) for name, value in start["headers"] if name not in drop]
        headers.append((b"content-length", str(len(changed)).encode()))
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": changed})
