"""Development tokens and their public key, made in memory: what the launcher writes to files, without the files."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from matapalo.auth.keys import Keys
from matapalo.auth.tokens import Tokens
from matapalo.process.clock import SystemClock

ISSUER = "matapalo-dev"
AUDIENCE = "matapalo"
KEY_ID = "test-key"
PRIVATE_KEY = ec.generate_private_key(ec.SECP256R1())


def token(
    sub: str = "cust_0001",
    *,
    role: str = "customer",
    tier: str = "free",
    lifetime: timedelta = timedelta(hours=1),
    key: ec.EllipticCurvePrivateKey = PRIVATE_KEY,
    **claims: Any,
) -> str:
    """A signed token; ``claims`` add or replace (`cohort="beta"`, `iss="another"`), a value of None leaves one out."""
    now = datetime.now(UTC)
    payload: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + lifetime,
        "sub": sub,
        "tier": tier,
        "role": role,
        **claims,
    }
    present = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(present, key, algorithm="ES256", headers={"kid": KEY_ID})


def bearer(sub: str = "cust_0001", **claims: Any) -> dict[str, str]:
    """The request header that carries ``token(sub, **claims)``."""
    return {"authorization": f"Bearer {token(sub, **claims)}"}


def jwks() -> dict[str, Any]:
    """The public half as a JSON Web Key Set."""
    public = json.loads(ECAlgorithm.to_jwk(PRIVATE_KEY.public_key()))
    return {"keys": [{**public, "kid": KEY_ID, "alg": "ES256", "use": "sig"}]}


def tokens() -> Tokens:
    """What verifies them, on the machine's clock."""

    async def load() -> bytes:
        return json.dumps(jwks()).encode()

    clock = SystemClock()
    return Tokens(Keys(load, clock), clock, issuer=ISSUER)
