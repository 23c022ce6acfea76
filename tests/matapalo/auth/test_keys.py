"""Reading key sets: which keys are used, which are left out, and where a set comes from."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from jwt.algorithms import ECAlgorithm

from matapalo.auth.keys import Keys, from_file, from_url, public_key_set, read_key_set
from matapalo.process.clock import SystemClock
from tests.harness.tokens import KEY_ID, PRIVATE_KEY, jwks

KEY: dict[str, Any] = jwks()["keys"][0]


def key_set(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


WITHOUT_ALGORITHM = {name: value for name, value in KEY.items() if name != "alg"}


def test_a_key_carries_its_algorithm() -> None:
    assert [(key.id, key.algorithm) for key in read_key_set(key_set(WITHOUT_ALGORITHM))] == [(KEY_ID, "ES256")]


def test_a_key_may_have_no_id() -> None:
    without_id = {name: value for name, value in KEY.items() if name != "kid"}
    assert [key.id for key in read_key_set(key_set(without_id))] == [None]


@pytest.mark.parametrize(
    "unusable",
    [
        {"kty": "oct", "kid": "s", "k": "c2VjcmV0", "alg": "HS256"},
        KEY | {"kid": 5},
        KEY | {"use": "enc"},
        KEY | {"alg": "ES512"},
        KEY | {"alg": "none"},
        KEY | {"x": "!!"},
        KEY | {"crv": "P-521"},
        "a string",
    ],
)
def test_a_key_we_cannot_verify_with_is_left_out(unusable: object) -> None:
    assert [key.id for key in read_key_set(key_set(KEY | {"kid": "good"}, unusable))] == ["good"]


def test_envoy_is_given_usable_keys_with_their_algorithms() -> None:
    inline = public_key_set(key_set(WITHOUT_ALGORITHM, {"kty": "oct", "kid": "s", "k": "c2VjcmV0"}))
    assert json.loads(inline.jwks) == {"keys": [KEY]}


def test_a_private_key_is_not_given_to_envoy() -> None:
    with pytest.raises(ValueError, match="private key"):
        public_key_set(key_set(KEY | json.loads(ECAlgorithm.to_jwk(PRIVATE_KEY))))


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b"<html>", b" " * 200_000, b'{"keys": [{}]}']
)
def test_what_is_no_key_set_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_key_set(document)


async def test_keys_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(jwks()))
    keys = Keys(from_file(path), SystemClock())
    assert [key.id for key in await keys.find(KEY_ID)] == [key.id for key in await keys.find(None)] == [KEY_ID]
    assert await keys.find("another") == []
    assert not await Keys(from_file(tmp_path / "missing.json"), SystemClock()).is_ready()


@pytest.mark.parametrize(("status", "ready"), [(200, True), (404, False), (500, False)])
async def test_keys_come_from_an_address(status: int, ready: bool) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=jwks()))
    async with httpx.AsyncClient(transport=transport) as client:
        keys = Keys(from_url("https://issuer.example/jwks", client), SystemClock())
        assert await keys.is_ready() is ready
