"""The contestants of the benchmark respond as ours does: without that, its figures mean nothing."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import pytest

from benchmarks.contestants.handwritten.__main__ import Handwritten
from benchmarks.contestants.naive.__main__ import make_app
from benchmarks.contestants.setup import Setup
from benchmarks.responses import require_equal
from benchmarks.workloads import WORKLOADS
from tests.harness.platform import Platform

pytestmark = pytest.mark.stack


@asynccontextmanager
async def contestant(name: str, setup: Setup) -> AsyncIterator[Any]:
    """Its ASGI application, started."""
    if name == "handwritten":
        async with aclosing(Handwritten(setup)) as handwritten:
            yield handwritten
    else:
        naive = make_app(setup)
        async with naive.router.lifespan_context(naive):
            yield naive


@pytest.mark.parametrize("name", ["handwritten", "naive"])
@pytest.mark.parametrize("workload", WORKLOADS)
async def test_a_contestant_responds_as_ours(platform: Platform, workload: str, name: str) -> None:
    operation = WORKLOADS[workload]
    identity = platform.customer() if operation.who == "customer" else platform.staff("operator")
    headers = {"content-type": "application/json", **identity}
    redis_url = f"redis://127.0.0.1:{6390 + platform.offset}/0"
    setup = Setup(operation.client, platform.url(8081), platform.data_dir / "keys" / "jwks.json", redis_url)

    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        ours = await client.post(f"{platform.edge}{operation.path}", content=operation.body(), headers=headers)
    async with (
        contestant(name, setup) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://contestant") as client,
    ):
        theirs = await client.post("/graphql", content=operation.body(), headers=headers)

    require_equal(workload, {"ours": ours.content, name: theirs.content})
