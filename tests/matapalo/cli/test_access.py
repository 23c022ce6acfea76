"""Development tokens, and where GraphiQL is."""

from pathlib import Path

import jwt
import pytest

from matapalo.launcher import keys
from matapalo.launcher.platform import Platform
from tests.harness.shop import SHOP
from tests.matapalo.cli.conftest import Command


def test_token_prints_a_token_and_nothing_else(matapalo: Command, local: Platform) -> None:
    arguments = ("--customer", "cust_0001", "--tier", "premium", "--role", "operator", "--cohort", "beta")
    result = matapalo("token", *arguments, "--hours", "24", data=local.data.root)
    assert (result.returncode, result.stderr) == (0, "")
    (published,) = jwt.PyJWKSet.from_json(keys.jwks_file(local.data.keys).read_text()).keys
    claims = jwt.decode(result.stdout.strip(), published, algorithms=["ES256"], audience="matapalo")
    assert (claims["sub"], claims["tier"], claims["role"]) == ("cust_0001", "premium", "operator")
    assert claims["exp"] - claims["iat"] == 24 * 3600


@pytest.mark.parametrize("hours", ["0", "24.5", "-1"])
def test_a_token_of_another_lifetime_is_refused(matapalo: Command, local: Platform, hours: str) -> None:
    result = matapalo("token", "--customer", "cust_0001", "--hours", hours, data=local.data.root)
    assert (result.returncode, result.stdout) == (2, "")
    assert "at most 24 hours" in result.stderr


def test_token_before_the_first_up_says_what_to_do(matapalo: Command, tmp_path: Path) -> None:
    result = matapalo("token", "--customer", "cust_0001", data=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert "run `matapalo up` first" in result.stderr


def test_graphiql_has_the_token_in_the_fragment_only(matapalo: Command, local: Platform) -> None:
    result = matapalo("graphiql", "--client", "mobile", "--print", data=local.data.root)
    address, _, fragment = result.stdout.strip().partition("#token=")
    assert address == "http://127.0.0.1:8080/mobile/graphql"
    assert jwt.decode(fragment, options={"verify_signature": False})["sub"] == "cust_0001"


def test_graphiql_of_an_unknown_client_names_those_there_are(matapalo: Command, local: Platform) -> None:
    result = matapalo("graphiql", "--client", "tv", "--print", data=local.data.root)
    assert result.returncode == 2
    assert "there is no client 'tv' in" in result.stderr
    assert f"use one of {', '.join(SHOP.clients)}" in result.stderr
