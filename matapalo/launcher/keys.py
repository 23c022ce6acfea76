"""Development keys: an ES256 pair that signs `matapalo token`, its public JWKS, and the BFF's secrets.

Made once in the data directory's `keys` folder, files 0600; they never leave the machine and production refuses their
issuer. Source: RFC 7517 (JWK), RFC 7638 (the key id is the key's thumbprint).
Raises NotRunning when there are no keys yet. Its imports wait until they are needed: the command line takes its
choices of tiers and roles from here.
"""

import base64
import hashlib
import json
import os
import secrets
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

from matapalo.launcher.errors import NotRunning

ISSUER = "matapalo-dev"
AUDIENCE = "matapalo"
ALGORITHM = "ES256"
LONGEST = timedelta(hours=24)


class Tier(StrEnum):
    """The rate limits of a subject."""

    FREE = "free"
    BASIC = "basic"
    PREMIUM = "premium"
    ENTERPRISE = "enterprise"


class Role(StrEnum):
    """The permissions of a subject."""

    CUSTOMER = "customer"
    WAREHOUSE = "warehouse"
    OPERATOR = "operator"
    SERVICE = "service"


def private_key_file(folder: Path) -> Path:
    return folder / "dev_private.pem"


def jwks_file(folder: Path) -> Path:
    return folder / "jwks.json"


def secrets_file(folder: Path) -> Path:
    return folder / "secrets.json"


def create(folder: Path) -> None:
    """Make what is missing; what exists is kept, so tokens and idempotency records survive restarts."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    if not private_key_file(folder).exists():
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _write_private(private_key_file(folder), pem)
    _write_private(jwks_file(folder), json.dumps({"keys": [_public(_private_key(folder))]}, indent=2).encode())
    if not secrets_file(folder).exists():
        _write_private(secrets_file(folder), json.dumps([secrets.token_urlsafe(32)]).encode())


def token(
    folder: Path,
    *,
    subject: str,
    tier: Tier = Tier.ENTERPRISE,
    role: Role = Role.CUSTOMER,
    cohort: str | None = None,
    lifetime: timedelta = timedelta(hours=12),
) -> str:
    """A signed development token (RFC 7519)."""
    import jwt

    if not private_key_file(folder).exists():
        raise NotRunning(f"there is no development key in {folder} yet: run `matapalo up` first")
    key = _private_key(folder)
    now = datetime.now(UTC)
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + lifetime,
        "sub": subject,
        "tier": tier,
        "role": role,
    }
    if cohort is not None:
        claims["cohort"] = cohort
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": _public(key)["kid"]})


def _private_key(folder: Path) -> "ec.EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives import serialization

    pem = private_key_file(folder).read_bytes()
    return cast("ec.EllipticCurvePrivateKey", serialization.load_pem_private_key(pem, password=None))


def _public(key: "ec.EllipticCurvePrivateKey") -> dict[str, str]:
    from jwt.algorithms import ECAlgorithm

    numbers = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    required = {name: numbers[name] for name in ("crv", "kty", "x", "y")}
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":")).encode()
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
    return {**required, "kid": thumbprint, "alg": ALGORITHM, "use": "sig"}


def _write_private(path: Path, content: bytes) -> None:
    """Atomic, and never readable by others, not even for a moment."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
