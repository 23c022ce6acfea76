"""Where keys come from, and which are refused."""

import json
from pathlib import Path

import pytest

from matapalo.auth.key_source import InlineKeys, KeysAt, key_source
from matapalo.strangler.errors import InvalidSettings
from tests.harness.tokens import jwks
from tests.matapalo.strangler.builders import settings_in


def test_a_file_of_public_keys_is_taken_as_it_is(tmp_path: Path) -> None:
    text = json.dumps(jwks())
    (tmp_path / "jwks.json").write_text(text)
    assert key_source(settings_in(tmp_path)) == InlineKeys(text)


def test_an_address_is_left_to_whoever_asks(tmp_path: Path) -> None:
    assert key_source(settings_in(tmp_path, jwks_file=None, jwks_url="https://id/k")) == KeysAt("https://id/k")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (json.dumps({"keys": []}), "has no keys"),
        (json.dumps({"keys": [{**jwks()["keys"][0], "d": "c2VjcmV0"}]}), "holds a private key"),
        (json.dumps({"keys": [{"kty": "RSA", "n": "x", "e": "AQAB"}]}), "is no JWKS"),
        (json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "x"}]}), "holds a key that is not EC P-256"),
        ("-----BEGIN PUBLIC KEY-----", "is no JWKS"),
        ("[]", "is no JWKS"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_anything_else_is_refused_with_the_file_and_the_reason(
    tmp_path: Path, content: str | None, problem: str
) -> None:
    if content is not None:
        (tmp_path / "jwks.json").write_text(content)
    with pytest.raises(InvalidSettings, match=r"GATEWAY_JWKS_FILE '.*jwks\.json' ") as raised:
        key_source(settings_in(tmp_path))
    assert problem in str(raised.value)
