"""Reading key sets: which keys are used, which are left out, and where a set comes from."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from matapalo.auth.keys import Keys, from_file, from_url, read_key_set
from matapalo.process.clock import SystemClock
from tests.harness.tokens import KEY_ID, jwks

KEY: dict[str, Any] = jwks()["keys"][0]


def key_set(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


def test_a_key_carries_its_algorithm_even_when_the_set_does_not_say_it() -> None:
    found = read_key_set(key_set({name: value for name, value in KEY.items() if name != "alg"}))
    assert found[KEY_ID].algorithm == "ES256"


@pytest.mark.parametrize(
    "unusable",
    [
        {"kty": "oct", "kid": "s", "k": "c2VjcmV0", "alg": "HS256"},
        {name: value for name, value in KEY.items() if name != "kid"},
        KEY | {"use": "enc"},
        KEY | {"alg": "ES512"},
        KEY | {"alg": "none"},
        KEY | {"x": "!!"},
        KEY | {"crv": "P-521"},
        "a string",
    ],
)
def test_a_key_we_cannot_verify_with_is_left_out(unusable: object) -> None:
    assert list(read_key_set(key_set(KEY | {"kid": "good"}, unusable))) == ["good"]


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b"<html>", b" " * 200_000, b'{"keys": [{}]}']
)
def test_what_is_no_key_set_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_key_set(document)


async def test_keys_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(jwks()))
    assert await Keys(from_file(path), SystemClock()).find(KEY_ID) is not None
    assert not await Keys(from_file(tmp_path / "missing.json"), SystemClock()).is_ready()


@pytest.mark.parametrize(("status", "ready"), [(200, True), (404, False), (500, False)])
async def test_keys_come_from_an_address(status: int, ready: bool) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=jwks()))
    async with httpx.AsyncClient(transport=transport) as client:
        keys = Keys(from_url("https://issuer.example/jwks", client), SystemClock())
        assert await keys.is_ready() is ready
