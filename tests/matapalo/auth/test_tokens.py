"""Which tokens are good, why others are not, and that a good one is verified once a minute."""

import asyncio
import base64
import json
from typing import Any

import pytest

from matapalo.auth.keys import Keys
from matapalo.auth.tokens import Tokens
from matapalo.auth.viewer import ANONYMOUS, Viewer
from matapalo.errors import Unauthenticated, UpstreamUnavailable
from tests.harness.clock import FakeClock
from tests.harness.token_vectors import ACCEPTED, ED_KEY, KEY_SET, REFUSED, At, Vector, signed
from tests.harness.tokens import ISSUER


class Harness:
    """An authenticator over the vectors' key set, counting look-ups and loads."""

    def __init__(self, *, max_cached: int = 10) -> None:
        self.clock = FakeClock()
        self.loads = 0
        self.lookups: list[bool] = []
        self.key_set: bytes | Exception = json.dumps(KEY_SET).encode()
        keys = Keys(self.load, self.clock)
        self.tokens = Tokens(keys, self.clock, issuer=ISSUER, max_cached=max_cached, count_lookup=self.lookups.append)

    async def load(self) -> bytes:
        self.loads += 1
        if isinstance(self.key_set, Exception):
            raise self.key_set
        return self.key_set

    def token(self, **parts: Any) -> str:
        return signed(self.clock.now(), **parts)

    async def viewer(self, token: str) -> Viewer:
        return await self.tokens.authenticate(f"Bearer {token}")


@pytest.mark.parametrize("vector", ACCEPTED, ids=lambda vector: vector.name)
async def test_a_good_token_is_accepted(vector: Vector) -> None:
    harness = Harness()
    assert not (await harness.tokens.authenticate(vector.header(harness.clock.now()))).is_anonymous


@pytest.mark.parametrize("vector", REFUSED, ids=lambda vector: vector.name)
async def test_a_bad_token_is_refused_with_the_reason(vector: Vector) -> None:
    harness = Harness()
    header = vector.header(harness.clock.now())
    with pytest.raises(Unauthenticated) as refused:
        await harness.tokens.authenticate(header)
    assert refused.value.details == {"reason": vector.reason}
    token = header.rpartition(" ")[2]
    assert "." not in token or token not in refused.value.message


async def test_without_a_token_the_viewer_is_anonymous() -> None:
    assert await Harness().tokens.authenticate(None) is ANONYMOUS


async def test_a_viewer_is_what_the_claims_say() -> None:
    harness = Harness()
    viewer = await harness.viewer(harness.token(cohort="beta", role="operator"))
    assert viewer == Viewer("cust_0001", "premium", "operator", "beta")
    assert await harness.viewer(harness.token(tier=None, role=None)) == Viewer("cust_0001", "free", "customer")


async def test_a_key_that_comes_with_the_token_costs_no_look_up() -> None:
    harness = Harness()
    with pytest.raises(Unauthenticated):
        await harness.viewer(harness.token(headers={"jku": "https://evil.example/keys"}))
    assert harness.loads == 0


@pytest.mark.parametrize("authorization", [" ", "Bearer é.é.é", "Bearer a.b.c\n", "Bearer " + "x" * 70_000])
async def test_what_http_would_not_carry_is_refused(authorization: str) -> None:
    with pytest.raises(Unauthenticated):
        await Harness().tokens.authenticate(authorization)


@pytest.mark.parametrize(
    "header", [b"[" * 4000, b'{"kid": ' + b"9" * 5000 + b"}", b"\xff", b"[]", b'{"alg": 5, "kid": "ec"}']
)
async def test_a_hostile_header_is_refused(header: bytes) -> None:
    encoded = base64.urlsafe_b64encode(header).decode().rstrip("=")
    with pytest.raises(Unauthenticated):
        await Harness().viewer(f"{encoded}.e30.eA")


@pytest.mark.parametrize("expiry", [float("nan"), float("inf"), 10**400])
async def test_an_expiry_that_is_no_moment_is_refused(expiry: float) -> None:
    harness = Harness()
    with pytest.raises(Unauthenticated, match="exp"):
        await harness.viewer(harness.token(exp=expiry))


async def test_a_good_token_is_cached_for_a_minute() -> None:
    harness = Harness()
    token = harness.token()
    for _ in range(3):
        await harness.viewer(token)
    harness.clock.advance(61)
    await harness.viewer(token)
    assert harness.lookups == [False, True, True, False]


async def test_a_cached_token_still_expires() -> None:
    harness = Harness()
    token = harness.token(exp=At(-50))
    await harness.viewer(token)
    await harness.viewer(token)
    harness.clock.advance(11)
    with pytest.raises(Unauthenticated, match="expired"):
        await harness.viewer(token)
    assert harness.lookups == [False, True, False]


async def test_the_number_of_cached_tokens_is_bounded() -> None:
    harness = Harness(max_cached=2)
    tokens = [harness.token(sub=f"cust_{index}") for index in range(3)]
    for token in tokens:
        await harness.viewer(token)
    harness.lookups.clear()
    for token in reversed(tokens):
        await harness.viewer(token)
    assert harness.lookups == [True, True, False]


async def test_a_refused_token_is_not_cached() -> None:
    harness = Harness()
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await harness.viewer(harness.token(tier="gold"))
    assert harness.lookups == [False, False]


async def test_a_new_key_is_used_once_the_interval_has_passed() -> None:
    harness = Harness()
    harness.key_set = json.dumps({"keys": KEY_SET["keys"][:1]}).encode()
    await harness.viewer(harness.token())
    harness.key_set = json.dumps(KEY_SET).encode()
    token = harness.token(key=ED_KEY, alg="EdDSA", kid="ed")
    for _ in range(5):
        with pytest.raises(Unauthenticated, match="kid"):
            await harness.viewer(token)
    assert harness.loads == 1
    harness.clock.advance(31)
    assert await harness.viewer(token)
    assert harness.loads == 2


async def test_keys_in_hand_are_used_while_the_source_is_away() -> None:
    harness = Harness()
    await harness.viewer(harness.token())
    harness.key_set = OSError("away")
    harness.clock.advance(3000)
    assert await harness.viewer(harness.token())
    assert harness.loads == 2


async def test_without_any_key_set_the_failure_is_ours() -> None:
    harness = Harness()
    harness.key_set = OSError("away")
    with pytest.raises(UpstreamUnavailable):
        await harness.viewer(harness.token())
    harness.key_set = json.dumps(KEY_SET).encode()
    harness.clock.advance(31)
    assert await harness.viewer(harness.token())


async def test_many_first_requests_load_the_keys_once() -> None:
    harness = Harness()
    await asyncio.gather(*(harness.viewer(harness.token(sub=f"cust_{index}")) for index in range(5)))
    assert harness.loads == 1
