"""What both contestants are started with, and how both are served: as ours is, by uvicorn on uvloop and httptools.

python -m benchmarks.contestants.NAME web|mobile PORT GATEWAY_URL JWKS_FILE REDIS_URL
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import jwt
import uvicorn

from benchmarks.workloads import Client

ISSUER = "matapalo-dev"
AUDIENCE = "matapalo"
ALGORITHM = "ES256"


@dataclass(frozen=True, slots=True)
class Setup:
    """Whose schema to serve, where the REST calls go (Envoy's internal listener), and the keys that sign tokens.

    How an order comes to the customer is known to no service: the order workflow writes it into Redis.
    """

    client: Client
    gateway_url: str
    jwks_file: Path
    redis_url: str

    def signing_key(self) -> jwt.PyJWK:
        """The only key there is in development."""
        return jwt.PyJWKSet.from_json(self.jwks_file.read_text()).keys[0]


def claims_of(authorization: str, key: jwt.PyJWK) -> dict[str, Any]:
    """The claims of a bearer token. Raises jwt.InvalidTokenError."""
    token = authorization.removeprefix("Bearer ")
    return jwt.decode(
        token, key, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER, options={"require": ["exp", "sub"]}
    )


def identity_headers(claims: dict[str, Any]) -> dict[str, str]:
    """The caller's identity, as the internal listener expects it."""
    return {"x-user-id": claims["sub"], "x-role": claims["role"], "x-tier": claims["tier"]}


def serve(make_app: Callable[[Setup], Any]) -> None:
    """Serve the contestant until SIGTERM."""
    client, port, gateway_url, jwks_file, redis_url = sys.argv[1:]
    app = make_app(Setup(cast("Client", client), gateway_url, Path(jwks_file), redis_url))
    uvicorn.run(app, port=int(port), loop="uvloop", http="httptools", access_log=False, log_level="warning")
