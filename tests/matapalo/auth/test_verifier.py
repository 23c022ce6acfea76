"""From a token to a caller of the control plane."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from matapalo.auth.verifier import Caller, FileKeys, RemoteKeys, TokenVerifier
from matapalo.process.clock import SystemClock
from matapalo.strangler.errors import Unauthenticated
from tests.harness.tokens import ISSUER, KEY_ID, bearer, jwks, token

JWKS = json.dumps(jwks())
URL = "https://id.example/keys"


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.now_s)

    def monotonic_s(self) -> float:
        return self.now_s


class Provider:
    """An identity provider that counts how often it is asked."""

    def __init__(self) -> None:
        self.answer: httpx.Response = httpx.Response(200, text=JWKS)
        self.asked = 0
        self.clock = HandClock()
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._respond))

    def keys(self) -> RemoteKeys:
        return RemoteKeys(URL, http=self.http, clock=self.clock)

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return self.answer


verifier = TokenVerifier(FileKeys(JWKS), issuer=ISSUER, clock=SystemClock())


async def test_a_good_token_names_its_caller() -> None:
    assert await verifier.verify(bearer("op_1", role="operator")["authorization"]) == Caller("op_1", "operator")


async def test_the_scheme_s_letters_do_not_matter() -> None:
    assert (await verifier.verify(f"bearer {token('op_1')}")).subject == "op_1"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic b3A6eA=="])
async def test_without_a_token_nobody_is_known(header: str | None) -> None:
    with pytest.raises(Unauthenticated, match="send a token"):
        await verifier.verify(header)


@pytest.mark.parametrize(
    "bad",
    [
        "nonsense",
        "a.b.c",
        token(key=ec.generate_private_key(ec.SECP256R1())),
        token(iss="somebody-else"),
        token(aud="another"),
        token(exp=None),
        token(iat=None),
        token(sub=None),  # type: ignore[arg-type]
        jwt.encode({"sub": "op_1"}, "", algorithm="none", headers={"kid": KEY_ID}),
        jwt.encode({"sub": "op_1"}, "s" * 32, algorithm="HS256", headers={"kid": KEY_ID}),
        jwt.encode({"sub": "op_1"}, "s" * 32, algorithm="HS256", headers={"kid": "unknown"}),
    ],
)
async def test_a_bad_token_is_refused_without_telling_why(bad: str) -> None:
    with pytest.raises(Unauthenticated, match=r"^the token does not verify$"):
        await verifier.verify(f"Bearer {bad}")


async def test_an_expired_token_is_told_to_be_that() -> None:
    with pytest.raises(Unauthenticated, match="has expired"):
        await verifier.verify(f"Bearer {token(lifetime=timedelta(minutes=-5))}")


async def test_no_token_lives_longer_than_a_day() -> None:
    await verifier.verify(f"Bearer {token(lifetime=timedelta(hours=24))}")
    with pytest.raises(Unauthenticated, match="24 hours"):
        await verifier.verify(f"Bearer {token(lifetime=timedelta(hours=25))}")


class CountingKeys(FileKeys):
    """Keys that count how often they are looked for: once a verification."""

    looked_for = 0

    async def find(self, key_id: str | None) -> jwt.PyJWK:
        self.looked_for += 1
        return await super().find(key_id)


async def test_a_verified_token_is_remembered_for_a_minute() -> None:
    keys, clock = CountingKeys(JWKS), HandClock()
    remembering = TokenVerifier(keys, issuer=ISSUER, clock=clock)
    header = bearer("op_1")["authorization"]
    for now_s, looked_for in ((0, 1), (59, 1), (61, 2)):
        clock.now_s = now_s
        assert (await remembering.verify(header)).subject == "op_1"
        assert keys.looked_for == looked_for


async def test_a_token_is_not_remembered_beyond_its_end() -> None:
    keys, clock = CountingKeys(JWKS), HandClock()
    remembering = TokenVerifier(keys, issuer=ISSUER, clock=clock)
    header = f"Bearer {token(lifetime=timedelta(seconds=30))}"
    await remembering.verify(header)
    clock.now_s = 31
    await remembering.verify(header)
    assert keys.looked_for == 2


async def test_a_bad_token_is_never_remembered_and_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matapalo.auth.verifier.MAX_REMEMBERED", 2)
    keys = CountingKeys(JWKS)
    remembering = TokenVerifier(keys, issuer=ISSUER, clock=HandClock())
    first, *others = (bearer(f"op_{number}")["authorization"] for number in range(3))
    for header in (first, *others, first):
        await remembering.verify(header)
    assert keys.looked_for == 4
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await remembering.verify(f"Bearer {token(aud='another')}")
    assert keys.looked_for == 6


async def test_remote_keys_are_asked_for_once_and_again_after_five_minutes() -> None:
    provider = Provider()
    keys = provider.keys()
    for _ in range(3):
        await keys.find(KEY_ID)
    assert provider.asked == 1
    provider.clock.now_s = 301
    await keys.find(KEY_ID)
    assert provider.asked == 2


async def test_an_unknown_key_asks_again_but_not_for_every_request() -> None:
    provider = Provider()
    keys = provider.keys()
    for expected in (1, 1, 1):
        with pytest.raises(Unauthenticated):
            await keys.find("rotated")
        assert provider.asked == expected
    provider.clock.now_s = 11
    provider.answer = httpx.Response(200, json={"keys": [{**jwks()["keys"][0], "kid": "rotated"}]})
    assert (await keys.find("rotated")).key_id == "rotated"
    assert provider.asked == 2


async def test_a_provider_that_is_down_leaves_the_known_keys() -> None:
    provider = Provider()
    keys = provider.keys()
    await keys.find(KEY_ID)
    provider.clock.now_s, provider.answer = 301, httpx.Response(500)
    assert (await keys.find(KEY_ID)).key_id == KEY_ID


async def test_without_any_keys_nobody_gets_in() -> None:
    provider = Provider()
    provider.answer = httpx.Response(200, text="<html>")
    with pytest.raises(Unauthenticated, match="cannot be fetched"):
        await provider.keys().find(KEY_ID)
