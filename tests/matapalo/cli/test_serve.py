"""What is wrong with the environment of a BFF or its worker is one sentence for each problem."""

from pathlib import Path

import pytest

from tests.harness.shop import copy_of_the_shop
from tests.matapalo.cli.conftest import Command

GOOD = {
    "MATAPALO_ENV": "development",
    "BFF_JWKS_FILE": "/nowhere/jwks.json",
    "BFF_SECRETS": '["0123456789abcdef0123456789abcdef"]',
}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"BFF_PROT": "8001"}, "BFF_PROT is not a setting of the BFF: is it misspelt?"),
        ({"BFF_PORT": "many"}, "BFF_PORT: Input should be a valid integer"),
        ({"BFF_PORT": "70000"}, "BFF_PORT: Input should be less than or equal to 65535"),
        ({"MATAPALO_ENV": "staging"}, "MATAPALO_ENV: Input should be 'development' or 'production'"),
        ({"BFF_SECRETS": "[]"}, "BFF_SECRETS is empty"),
        ({"BFF_SECRETS": '["short"]'}, "BFF_SECRETS[0] has 5 characters"),
        ({"BFF_SECRETS": "{not json"}, "give it as JSON"),
        ({"MATAPALO_ENV": "production"}, "BFF_JWT_ISSUER is 'matapalo-dev'"),
    ],
)
@pytest.mark.parametrize("command", ["serve web", "serve mobile", "worker"])
def test_a_problem_of_the_environment_is_one_sentence(
    matapalo: Command, command: str, changed: dict[str, str], sentence: str
) -> None:
    result = matapalo(*command.split(), **(GOOD | changed))
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert sentence in result.stderr
    assert "0123456789abcdef" not in result.stderr


def test_two_problems_are_two_sentences(matapalo: Command) -> None:
    result = matapalo("serve", "web", **(GOOD | {"BFF_PROT": "1", "BFF_PORT": "x"}))
    assert len(result.stderr.splitlines()) == 2


def test_a_missing_manifest_is_a_sentence(matapalo: Command, tmp_path: Path) -> None:
    result = matapalo("serve", "mobile", **(GOOD | {"MATAPALO_PROJECT": str(copy_of_the_shop(tmp_path))}))
    assert result.returncode == 2
    assert "`matapalo operations build` writes it" in result.stderr
