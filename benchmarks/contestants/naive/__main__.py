"""The FastAPI application: token in, GraphQL router, HTTP client in the lifespan."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import jwt
import redis.asyncio as redis
import strawberry
from fastapi import FastAPI, HTTPException, Request
from strawberry.extensions import SchemaExtension
from strawberry.fastapi import GraphQLRouter

from benchmarks.contestants.naive import mobile, web
from benchmarks.contestants.naive.types import Context
from benchmarks.contestants.setup import Setup, claims_of, serve
from benchmarks.workloads import hash_of, text_of

PERSISTED = {hash_of("Home"): text_of("mobile", "Home")}


class PersistedOperations(SchemaExtension):
    """Puts the text of a known hash in the place of the missing query."""

    def on_operation(self) -> Iterator[None]:
        sent = self.execution_context.operation_extensions or {}
        if not self.execution_context.query and "persistedQuery" in sent:
            self.execution_context.query = PERSISTED.get(sent["persistedQuery"]["sha256Hash"])
        yield


def make_app(setup: Setup) -> FastAPI:
    """The application for one client."""
    key = setup.signing_key()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            httpx.AsyncClient(base_url=setup.gateway_url, timeout=10) as client,
            redis.Redis.from_url(setup.redis_url) as progress,
        ):
            app.state.client, app.state.progress = client, progress
            yield

    async def get_context(request: Request) -> Context:
        try:
            claims = claims_of(request.headers.get("authorization", ""), key)
        except jwt.InvalidTokenError as error:
            raise HTTPException(401, "invalid token") from error
        return Context(request.app.state.client, request.app.state.progress, claims)

    schema = (
        strawberry.Schema(web.Query)
        if setup.client == "web"
        else strawberry.Schema(mobile.Query, extensions=[PersistedOperations])
    )
    app = FastAPI(lifespan=lifespan)
    app.include_router(GraphQLRouter(schema, context_getter=get_context), prefix="/graphql")
    return app


if __name__ == "__main__":
    serve(make_app)
