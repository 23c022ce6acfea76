"""Who calls the control plane: the platform's token rules, and where its keys are."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from matapalo.auth.keys import Keys, KeysAt, public_key_set
from matapalo.auth.tokens import Tokens
from matapalo.process.clock import SystemClock
from matapalo.strangler.caller import Caller, TokenVerifier, key_source
from matapalo.strangler.errors import InvalidSettings, Unauthenticated
from tests.harness.token_vectors import KEY_SET, VECTORS, Vector
from tests.harness.tokens import ISSUER, bearer, jwks, tokens
from tests.matapalo.strangler.builders import settings_in


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
async def test_tokens_are_judged_as_everywhere(vector: Vector) -> None:
    async def load() -> bytes:
        return json.dumps(KEY_SET).encode()

    clock = SystemClock()
    verifier = TokenVerifier(Tokens(Keys(load, clock), clock, issuer=ISSUER))
    header = vector.header(datetime.now(UTC))
    if vector.reason is None:
        assert (await verifier.verify(header)).subject
    else:
        with pytest.raises(Unauthenticated):
            await verifier.verify(header)


async def test_a_caller_has_a_subject_and_a_role() -> None:
    header = bearer("op_1", role="operator")["authorization"]
    assert await TokenVerifier(tokens()).verify(header) == Caller("op_1", "operator")


async def test_without_a_token_there_is_no_caller() -> None:
    with pytest.raises(Unauthenticated, match="send a token"):
        await TokenVerifier(tokens()).verify(None)


async def test_without_keys_there_is_no_caller() -> None:
    async def load() -> bytes:
        raise OSError("away")

    clock = SystemClock()
    with pytest.raises(Unauthenticated, match="cannot be read now"):
        await TokenVerifier(Tokens(Keys(load, clock), clock, issuer=ISSUER)).verify(bearer()["authorization"])


def test_a_file_of_public_keys_is_read_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_text(json.dumps(jwks()))
    assert key_source(settings_in(tmp_path)) == public_key_set(json.dumps(jwks()).encode())


def test_an_address_is_not_asked_at_the_start(tmp_path: Path) -> None:
    assert key_source(settings_in(tmp_path, jwks_file=None, jwks_url="https://id/k")) == KeysAt("https://id/k")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (json.dumps({"keys": []}), "has no key for ES256"),
        (json.dumps({"keys": [{**jwks()["keys"][0], "d": "c2VjcmV0"}]}), "private key"),
        (json.dumps({"keys": [{"kty": "EC", "crv": "P-521", "x": "x", "y": "y"}]}), "has no key for ES256"),
        ("-----BEGIN PUBLIC KEY-----", "is no JWKS"),
        ("[]", "is no JWKS"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_bad_key_file_is_named_with_the_reason(tmp_path: Path, content: str | None, problem: str) -> None:
    if content is not None:
        (tmp_path / "jwks.json").write_text(content)
    with pytest.raises(InvalidSettings, match=r"GATEWAY_JWKS_FILE '.*jwks\.json' ") as raised:
        key_source(settings_in(tmp_path))
    assert problem in str(raised.value)
