"""Which tokens are good, why others are not, and that a good one is verified once a minute."""

import asyncio
import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from matapalo.auth.keys import Keys
from matapalo.auth.tokens import Tokens
from matapalo.auth.viewer import ANONYMOUS, Viewer
from matapalo.errors import Unauthenticated, UpstreamUnavailable
from tests.harness import tokens as issued
from tests.harness.clock import FakeClock

EC_KEY = issued.PRIVATE_KEY
ED_KEY = ed25519.Ed25519PrivateKey.generate()
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public(algorithm: Any, key: Any, kid: str, alg: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(algorithm.to_jwk(key.public_key())) | {"kid": kid}
    return entry if alg is None else entry | {"alg": alg}


KEY_SET = {
    "keys": [
        public(ECAlgorithm, EC_KEY, "ec", "ES256"),
        public(OKPAlgorithm, ED_KEY, "ed", None),
        public(RSAAlgorithm, RSA_KEY, "rsa", "RS256"),
    ]
}


def claims(clock: FakeClock, **changed: Any) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    base = {
        "iss": issued.ISSUER,
        "aud": "matapalo",
        "iat": now,
        "exp": now + 3600,
        "sub": "cust_0001",
        "tier": "premium",
        "role": "customer",
    }
    return {name: value for name, value in (base | changed).items() if value is not None}


def signed(clock: FakeClock, *, key: Any = EC_KEY, alg: str = "ES256", kid: str | None = "ec", **changed: Any) -> str:
    headers = changed.pop("headers", {}) | ({} if kid is None else {"kid": kid})
    return jwt.encode(claims(clock, **changed), key, algorithm=alg, headers=headers)


class Bench:
    """An authenticator over the key set above, counting look-ups and loads."""

    def __init__(self, clock: FakeClock | None = None, *, remembered: int = 10) -> None:
        self.clock = clock or FakeClock()
        self.loads = 0
        self.lookups: list[bool] = []
        self.key_set: bytes | Exception = json.dumps(KEY_SET).encode()
        keys = Keys(self.load, self.clock)
        self.tokens = Tokens(
            keys, self.clock, issuer=issued.ISSUER, remembered=remembered, count_lookup=self.lookups.append
        )

    async def load(self) -> bytes:
        self.loads += 1
        if isinstance(self.key_set, Exception):
            raise self.key_set
        return self.key_set

    async def viewer(self, token: str) -> Viewer:
        return await self.tokens.authenticate(f"Bearer {token}")


async def test_without_a_token_the_viewer_is_anonymous() -> None:
    assert await Bench().tokens.authenticate(None) is ANONYMOUS


@pytest.mark.parametrize(
    ("key", "alg", "kid"), [(EC_KEY, "ES256", "ec"), (ED_KEY, "EdDSA", "ed"), (RSA_KEY, "RS256", "rsa")]
)
async def test_a_good_token_names_its_viewer(key: Any, alg: str, kid: str) -> None:
    bench = Bench()
    token = signed(bench.clock, key=key, alg=alg, kid=kid, cohort="beta", role="operator")
    assert await bench.viewer(token) == Viewer("cust_0001", "premium", "operator", "beta")


async def test_the_scheme_is_case_insensitive_and_tier_and_role_have_defaults() -> None:
    bench = Bench()
    token = signed(bench.clock, tier=None, role=None, aud=["other", "matapalo"])
    assert await bench.tokens.authenticate(f"bearer  {token}") == Viewer("cust_0001", "free", "customer")


BAD_CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"iss": "somebody"}, "iss"),
    "no issuer": ({"iss": None}, "iss"),
    "another audience": ({"aud": "other"}, "audience"),
    "other audiences": ({"aud": ["a", "b"]}, "audience"),
    "no audience": ({"aud": None}, "audience"),
    "no expiry": ({"exp": None}, "exp"),
    "an expiry in words": ({"exp": "tomorrow"}, "exp"),
    "an expiry that is true": ({"exp": True}, "exp"),
    "no time of issue": ({"iat": None}, "iat"),
    "no subject": ({"sub": None}, "sub"),
    "a subject that is a number": ({"sub": 5}, "sub"),
    "an empty subject": ({"sub": ""}, "sub"),
    "a subject with a line break": ({"sub": "cust\r\nx-role: operator"}, "sub"),
    "a long subject": ({"sub": "x" * 65}, "sub"),
    "an unknown tier": ({"tier": "gold"}, "tier"),
    "the anonymous tier": ({"tier": "anonymous"}, "tier"),
    "an unknown role": ({"role": "admin"}, "role"),
    "the anonymous role": ({"role": "anonymous"}, "role"),
    "several roles": ({"role": ["customer", "operator"]}, "role"),
    "a cohort with a comma": ({"cohort": "a,b"}, "cohort"),
}


@pytest.mark.parametrize("name", BAD_CLAIMS)
async def test_a_wrong_claim_is_named(name: str) -> None:
    changed, reason = BAD_CLAIMS[name]
    bench = Bench()
    with pytest.raises(Unauthenticated, match=reason):
        await bench.viewer(signed(bench.clock, **changed))


@pytest.mark.parametrize(
    ("issued_at", "lifetime", "reason"),
    [
        (-7200, 3600, "expired"),
        (-3605, 3600, "expired"),
        (0, 86_401, "longer than 24 hours"),
        (60, 3600, "not valid yet"),
    ],
)
async def test_a_token_has_its_time(issued_at: int, lifetime: int, reason: str) -> None:
    bench = Bench()
    begins = int(bench.clock.now().timestamp()) + issued_at
    with pytest.raises(Unauthenticated, match=reason):
        await bench.viewer(signed(bench.clock, iat=begins, exp=begins + lifetime))


async def test_a_token_may_be_five_seconds_off_and_live_a_whole_day() -> None:
    bench = Bench()
    now = int(bench.clock.now().timestamp())
    assert await bench.viewer(signed(bench.clock, iat=now - 3600, exp=now - 3))
    assert await bench.viewer(signed(bench.clock, iat=now, exp=now + 86_400))
    with pytest.raises(Unauthenticated, match="not valid yet"):
        await bench.viewer(signed(bench.clock, nbf=now + 60))


@pytest.mark.parametrize("header", ["jku", "x5u", "x5c", "jwk", "x5t", "crit"])
async def test_a_key_that_comes_with_the_token_is_refused(header: str) -> None:
    bench = Bench()
    given = {"crit": ["exp"], "jwk": KEY_SET["keys"][0]}.get(header, "https://evil.example/keys")
    with pytest.raises(Unauthenticated):
        await bench.viewer(signed(bench.clock, headers={header: given}))
    assert bench.loads == 0


async def test_the_algorithm_belongs_to_the_key() -> None:
    bench = Bench()
    with pytest.raises(Unauthenticated, match="alg"):
        await bench.viewer(signed(bench.clock, key=RSA_KEY, alg="RS256", kid="ec"))
    with pytest.raises(Unauthenticated, match="alg"):
        await bench.viewer(signed(bench.clock, key=RSA_KEY, alg="PS256", kid="rsa"))
    with pytest.raises(Unauthenticated):
        await bench.viewer(jwt.encode(claims(bench.clock), "", algorithm="none", headers={"kid": "ec"}))
    confused = jwt.encode(claims(bench.clock), "k" * 64, algorithm="HS256", headers={"kid": "ec"})
    with pytest.raises(Unauthenticated, match="alg"):
        await bench.viewer(confused)


async def test_the_signature_must_be_good() -> None:
    bench = Bench()
    forged = signed(bench.clock, key=ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(Unauthenticated, match="signature") as refused:
        await bench.viewer(forged)
    assert forged not in refused.value.message
    header, _, signature = signed(bench.clock).split(".")
    swapped = jwt.encode(claims(bench.clock, role="operator"), EC_KEY, algorithm="ES256").split(".")[1]
    with pytest.raises(Unauthenticated, match="signature"):
        await bench.viewer(f"{header}.{swapped}.{signature}")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "Bearer x",
        "Bearer a.b.c",
        "Bearer é.é.é",
        "Bearer " + "x" * 9000,
    ],
)
async def test_what_is_no_bearer_token_is_refused(authorization: str) -> None:
    with pytest.raises(Unauthenticated):
        await Bench().tokens.authenticate(authorization)


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


@pytest.mark.parametrize(
    "header", [b"[" * 4000, b'{"kid": ' + b"9" * 5000 + b"}", b"\xff", b"[]", b'{"alg": 5, "kid": "ec"}']
)
async def test_a_hostile_header_is_refused(header: bytes) -> None:
    with pytest.raises(Unauthenticated):
        await Bench().viewer(f"{encoded(header)}.{encoded(b'{}')}.{encoded(b'x')}")


@pytest.mark.parametrize("expiry", [float("nan"), float("inf"), 10**400])
async def test_an_expiry_that_is_no_moment_is_refused(expiry: float) -> None:
    bench = Bench()
    with pytest.raises(Unauthenticated, match="exp"):
        await bench.viewer(signed(bench.clock, exp=expiry))


async def test_a_token_without_a_key_id_or_with_an_unknown_one_is_refused() -> None:
    bench = Bench()
    with pytest.raises(Unauthenticated, match="kid"):
        await bench.viewer(signed(bench.clock, kid=None))
    with pytest.raises(Unauthenticated, match="kid"):
        await bench.viewer(signed(bench.clock, kid="other"))


async def test_a_good_token_is_remembered_for_a_minute() -> None:
    bench = Bench()
    token = signed(bench.clock)
    for _ in range(3):
        await bench.viewer(token)
    bench.clock.advance(61)
    await bench.viewer(token)
    assert bench.lookups == [False, True, True, False]


async def test_a_remembered_token_still_expires() -> None:
    bench = Bench()
    now = int(bench.clock.now().timestamp())
    token = signed(bench.clock, iat=now - 3590, exp=now + 10)
    await bench.viewer(token)
    bench.clock.advance(30)
    with pytest.raises(Unauthenticated, match="expired"):
        await bench.viewer(token)


async def test_the_number_of_remembered_tokens_is_bounded() -> None:
    bench = Bench(remembered=2)
    tokens = [signed(bench.clock, sub=f"cust_{index}") for index in range(3)]
    for token in tokens:
        await bench.viewer(token)
    bench.lookups.clear()
    for token in reversed(tokens):
        await bench.viewer(token)
    assert bench.lookups == [True, True, False]


async def test_a_refused_token_is_not_remembered() -> None:
    bench = Bench()
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await bench.viewer(signed(bench.clock, tier="gold"))
    assert bench.lookups == [False, False]


async def test_a_new_key_is_found_once_the_interval_has_passed() -> None:
    bench = Bench()
    bench.key_set = json.dumps({"keys": KEY_SET["keys"][:1]}).encode()
    await bench.viewer(signed(bench.clock))
    bench.key_set = json.dumps(KEY_SET).encode()
    token = signed(bench.clock, key=ED_KEY, alg="EdDSA", kid="ed")
    for _ in range(5):
        with pytest.raises(Unauthenticated, match="kid"):
            await bench.viewer(token)
    assert bench.loads == 1
    bench.clock.advance(31)
    assert await bench.viewer(token)
    assert bench.loads == 2


async def test_keys_in_hand_go_on_being_used_while_the_source_is_away() -> None:
    bench = Bench()
    await bench.viewer(signed(bench.clock))
    bench.key_set = OSError("away")
    bench.clock.advance(3000)
    assert await bench.viewer(signed(bench.clock))
    assert bench.loads == 2


async def test_without_any_key_set_the_failure_is_ours() -> None:
    bench = Bench()
    bench.key_set = OSError("away")
    with pytest.raises(UpstreamUnavailable):
        await bench.viewer(signed(bench.clock))
    bench.key_set = json.dumps(KEY_SET).encode()
    bench.clock.advance(31)
    assert await bench.viewer(signed(bench.clock))


async def test_many_first_requests_ask_the_source_once() -> None:
    bench = Bench()
    await asyncio.gather(*(bench.viewer(signed(bench.clock, sub=f"cust_{index}")) for index in range(5)))
    assert bench.loads == 1
