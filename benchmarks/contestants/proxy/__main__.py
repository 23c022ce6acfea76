"""python -m benchmarks.contestants.proxy PORT UPSTREAM_PORT

Decides as a route of ours does (writes to one side, named users, a sticky percentage), forwards headers and body, and
names the side. Served as our processes are: one uvicorn worker on uvloop and httptools. Both sides are the same
upstream here: only the proxy is measured.
"""

import sys

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response
from xxhash import xxh64_intdigest

SEED, SHARE_BP = 2, 2_500
USERS = frozenset(f"vip-{number}" for number in range(20))
HOP_BY_HOP = {"connection", "host", "content-length", "transfer-encoding", "keep-alive"}


def create_app(upstream: str, *, transport: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """The proxy. ``transport`` is how it reaches the upstream, in tests."""
    app = FastAPI(openapi_url=None)
    http = httpx.AsyncClient(base_url=upstream, timeout=5, trust_env=False, transport=transport)

    @app.api_route("/api/orders{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def forward(rest: str, request: Request) -> Response:
        target = _side(request)
        headers = [(name, value) for name, value in request.headers.items() if name not in HOP_BY_HOP]
        response = await http.request(
            request.method,
            f"/api/orders{rest}",
            params=request.query_params,
            headers=headers,
            content=await request.body(),
        )
        forwarded = {name: value for name, value in response.headers.items() if name not in HOP_BY_HOP}
        return Response(response.content, response.status_code, forwarded | {"x-strangler-target": target})

    return app


def _side(request: Request) -> str:
    if request.method not in ("GET", "HEAD"):
        return "legacy"
    user = request.headers.get("x-user-id", "")
    if user in USERS:
        return "new"
    takes_new = bool(user) and xxh64_intdigest(user.encode(), seed=SEED) % 10_000 >= 10_000 - SHARE_BP
    return "new" if takes_new else "legacy"


if __name__ == "__main__":
    port, upstream_port = map(int, sys.argv[1:3])
    app = create_app(f"http://127.0.0.1:{upstream_port}")
    uvicorn.run(app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", access_log=False, log_level="error")
