"""Development keys and tokens: private on disk, kept over restarts, verifiable with the JWKS."""

import json
import stat
from datetime import timedelta

import jwt
import pytest

from matapalo.launcher import keys
from matapalo.launcher.errors import NotRunning
from matapalo.launcher.keys import Role, Tier
from matapalo.launcher.platform import Platform

HOUR = timedelta(hours=1)


def test_a_token_is_verified_with_the_published_key(local: Platform) -> None:
    token = keys.token(
        local.data.keys, subject="cust_0001", tier=Tier.PREMIUM, role=Role.OPERATOR, cohort="beta", lifetime=HOUR
    )
    (published,) = jwt.PyJWKSet.from_json(keys.jwks_file(local.data.keys).read_text()).keys
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": published.key_id, "typ": "JWT"}
    claims = jwt.decode(token, published, algorithms=["ES256"], audience="matapalo", issuer="matapalo-dev")
    assert claims["exp"] - claims["iat"] == 3600
    assert {name: claims[name] for name in ("sub", "tier", "role", "cohort")} == {
        "sub": "cust_0001",
        "tier": "premium",
        "role": "operator",
        "cohort": "beta",
    }


def test_without_a_cohort_the_claim_is_absent(local: Platform) -> None:
    token = keys.token(local.data.keys, subject="c", tier=Tier.FREE, role=Role.CUSTOMER, cohort=None, lifetime=HOUR)
    assert "cohort" not in jwt.decode(token, options={"verify_signature": False})


def test_the_jwks_holds_no_private_part(local: Platform) -> None:
    (key,) = json.loads(keys.jwks_file(local.data.keys).read_text())["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}


def test_keys_and_secrets_survive_a_second_start(local: Platform) -> None:
    before = {path.name: path.read_bytes() for path in local.data.keys.iterdir()}
    keys.create(local.data.keys)
    assert {path.name: path.read_bytes() for path in local.data.keys.iterdir()} == before
    assert set(before) == {"dev_private.pem", "jwks.json", "secrets.json"}
    assert all(len(secret) >= 32 for secret in json.loads(before["secrets.json"]))


def test_nobody_else_can_read_them(local: Platform) -> None:
    assert stat.S_IMODE(local.data.keys.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in local.data.keys.iterdir()} == {0o600}


def test_without_a_key_the_remedy_is_said(local: Platform) -> None:
    with pytest.raises(NotRunning, match="run `matapalo up` first"):
        keys.token(
            local.data.keys / "none", subject="c", tier=Tier.FREE, role=Role.CUSTOMER, cohort=None, lifetime=HOUR
        )
