"""The platform's token rules as data: `Authorization` headers, and whether they are accepted or why not.

Three verifiers agree on all of them: the BFF's (tests/matapalo/auth/test_tokens.py), the control plane's
(tests/matapalo/strangler/test_caller.py) and Envoy's edge (tests/stack/test_edge_identity.py).
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm, get_default_algorithms

from matapalo.auth.claims import Reason
from tests.harness.tokens import AUDIENCE, ISSUER, PRIVATE_KEY

EC_KEY = PRIVATE_KEY
ED_KEY = ed25519.Ed25519PrivateKey.generate()
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGE_KEY = ec.generate_private_key(ec.SECP256R1())


class At(NamedTuple):
    """A time claim, in seconds from now."""

    seconds: float


def _public(algorithm: Any, key: Any, kid: str, **members: str) -> dict[str, Any]:
    jwk: dict[str, Any] = json.loads(algorithm.to_jwk(key.public_key()))
    return {**jwk, "kid": kid, **members}


KEY_SET = {
    "keys": [
        _public(ECAlgorithm, EC_KEY, "ec", alg="ES256"),
        _public(OKPAlgorithm, ED_KEY, "ed"),
        _public(RSAAlgorithm, RSA_KEY, "rsa"),
    ]
}


def signed(
    now: datetime | None = None,
    *,
    key: Any = EC_KEY,
    alg: str = "ES256",
    kid: object = "ec",
    headers: dict[str, Any] | None = None,
    **changed: Any,
) -> str:
    """A customer's token; ``changed`` claims are replaced, None leaves one out."""
    now_s = (now or datetime.now(UTC)).timestamp()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": At(0),
        "exp": At(3600),
        "sub": "cust_0001",
        "tier": "premium",
        "role": "customer",
        **changed,
    }
    payload = {name: int(now_s + value.seconds) if isinstance(value, At) else value for name, value in claims.items()}
    present = {name: value for name, value in payload.items() if value is not None}
    # By hand, because PyJWT refuses to make the bad ones.
    header = {"alg": alg, "typ": "JWT", **({} if kid is None else {"kid": kid}), **(headers or {})}
    content = f"{encoded(header)}.{encoded(present)}"
    algorithm = get_default_algorithms()[alg]
    signature = algorithm.sign(content.encode(), algorithm.prepare_key(key))
    return f"{content}.{_base64(signature)}"


def encoded(value: object) -> str:
    """One part of a token."""
    return _base64(json.dumps(value).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class Vector(NamedTuple):
    """A header as it is at some moment, and the reason for which it is refused; None: accepted."""

    name: str
    header: Callable[[datetime], str]
    reason: Reason | None


def _token(name: str, reason: Reason | None = None, *, scheme: str = "Bearer ", end: str = "", **parts: Any) -> Vector:
    return Vector(name, lambda now: scheme + signed(now, **parts) + end, reason)


def _header(name: str, value: str) -> Vector:
    return Vector(name, lambda now: value, "malformed")


def _unsigned(signature: str) -> Callable[[datetime], str]:
    header = encoded({"alg": "none", "kid": "ec"})
    return lambda now: f"Bearer {header}.{signed(now).split('.')[1]}.{signature}"


def _swapped(now: datetime) -> str:
    header, _, signature = signed(now).split(".")
    return f"Bearer {header}.{signed(now, role='operator').split('.')[1]}.{signature}"


VECTORS = (
    _token("ES256"),
    _token("EdDSA", key=ED_KEY, alg="EdDSA", kid="ed"),
    _token("RS256", key=RSA_KEY, alg="RS256", kid="rsa"),
    _token("no key id", kid=None),
    _token("no key id, another algorithm", kid=None, key=RSA_KEY, alg="RS256"),
    _token("scheme in lower case", scheme="bearer "),
    _token("scheme in capitals", scheme="BEARER "),
    _token("two spaces", scheme="Bearer  "),
    _token("ten kilobytes", padding="x" * 10_000),
    _token("audience among others", aud=["another", AUDIENCE]),
    _token("expired half a minute ago", exp=At(-30)),
    _token("ends within a day", exp=At(24 * 3600 - 30)),
    _token("issued two days ago", iat=At(-48 * 3600)),
    _token("issued in the future", iat=At(3600)),
    _token("no time of issue", iat=None),
    _token("not before half a minute ahead", nbf=At(30)),
    _token("subject of an identity provider", sub="auth0|5f7c8ec7c33c6c004bbafe82"),
    _token("subject that is an e-mail address", sub="anna.b-1@example.com"),
    _token("subject of 128 characters", sub="x" * 128),
    _token("no tier and no role", tier=None, role=None),
    _token("warehouse", role="warehouse"),
    _token("operator", role="operator", tier="enterprise"),
    _token("service", role="service"),
    _token("cohort", cohort="beta-2"),
    _header("empty header", ""),
    _header("no token", "Bearer"),
    _header("another scheme", "Basic dXNlcjpwYXNz"),
    _header("not a JWT", "Bearer nonsense"),
    _header("a JWT's form without its content", "Bearer not.a.token"),
    _header("a header that is a list", f"Bearer {encoded([])}.e30.eA"),
    _token("no scheme", "malformed", scheme=""),
    _token("scheme in mixed case", "malformed", scheme="bEARER "),
    _token("scheme in front of the scheme", "malformed", scheme="Basic Bearer "),
    _token("something behind the token", "malformed", end=" more"),
    _token("two tokens", "malformed", end=",a.b.c"),
    _token("key id that is a number", "malformed", kid=5),
    Vector("unsigned", _unsigned(""), "malformed"),
    Vector("algorithm none", _unsigned("eA"), "algorithm"),
    *(
        _token(f"header {name}", "header", headers={name: value})
        for name, value in {
            "jku": "https://evil.example/keys",
            "x5u": "https://evil.example/keys",
            "x5c": ["MIIB"],
            "x5t": "dGh1bWI",
            "jwk": KEY_SET["keys"][0],
        }.items()
    ),
    _token("header crit", "malformed", headers={"crit": ["exp"]}),
    _token("a secret instead of a key", "algorithm", key="k" * 64, alg="HS256"),
    _token("algorithm of another key", "algorithm", key=RSA_KEY, alg="RS256"),
    _token("RS384", "algorithm", key=RSA_KEY, alg="RS384", kid="rsa"),
    _token("PS256", "algorithm", key=RSA_KEY, alg="PS256", kid="rsa"),
    _token("unknown key", "unknown_key", key=STRANGE_KEY, kid="strange"),
    _token("signed with another key", "signature", key=STRANGE_KEY),
    _token("signed with another key, no key id", "signature", key=STRANGE_KEY, kid=None),
    Vector("claims of another token", _swapped, "signature"),
    _token("another issuer", "issuer", iss="another"),
    _token("no issuer", "issuer", iss=None),
    _token("issuer that is a number", "issuer", iss=5),
    _token("another audience", "audience", aud="another"),
    _token("other audiences", "audience", aud=["a", "b"]),
    _token("no audience", "audience", aud=None),
    _token("audience as an address", "audience", aud=f"https://{AUDIENCE}/"),
    _token("no end", "time", exp=None),
    _token("end in words", "time", exp="tomorrow"),
    _token("end in a text", "time", exp="99999999999"),
    _token("end that is true", "time", exp=True),
    _token("time of issue in words", "time", iat="today"),
    _token("time of issue before all time", "time", iat=-1),
    _token("not before, in words", "time", nbf="today"),
    _token("expired", "expired", exp=At(-90)),
    _token("ends in more than a day", "lifetime", exp=At(24 * 3600 + 60)),
    _token("ends at the end of time", "lifetime", exp=2**52),
    _token("not before 90 seconds ahead", "not_yet_valid", nbf=At(90)),
    _token("no subject", "subject", sub=None),
    _token("subject that is a number", "subject", sub=5),
    _token("empty subject", "subject", sub=""),
    _token("subject with a space", "subject", sub="a b"),
    _token("subject with a line break", "subject", sub="a\r\nx-role: operator"),
    _token("subject with a colon", "subject", sub="anon:anna@example.com"),
    _token("subject of 129 characters", "subject", sub="x" * 129),
    _token("unknown tier", "tier", tier="gold"),
    _token("anonymous tier", "tier", tier="anonymous"),
    _token("tier that is a number", "tier", tier=1),
    _token("unknown role", "role", role="admin"),
    _token("anonymous role", "role", role="anonymous"),
    _token("several roles", "role", role=["customer", "operator"]),
    _token("cohort with a comma", "cohort", cohort="a,b"),
    _token("cohort that is a number", "cohort", cohort=5),
)  # fmt: skip

ACCEPTED = tuple(vector for vector in VECTORS if vector.reason is None)
REFUSED = tuple(vector for vector in VECTORS if vector.reason is not None)
