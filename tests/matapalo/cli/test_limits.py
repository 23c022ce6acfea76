"""`matapalo limits` without a platform."""

import pytest

from matapalo.launcher.platform import Platform
from tests.harness.shop import SHOP
from tests.matapalo.cli.conftest import Command


def test_limits_of_a_stopped_platform_says_what_to_do(matapalo: Command, local: Platform) -> None:
    result = matapalo("limits", "show", "cust_0001", data=local.data.root)
    assert (result.returncode, "matapalo up" in result.stderr) == (1, True)


def test_limits_are_those_of_the_client_asked_for(matapalo: Command, local: Platform) -> None:
    for client in ("web", "iot"):
        result = matapalo("limits", "show", "cust_0001", "--client", client, data=local.data.root)
        address = local.address(SHOP.clients[client].port)
        assert f"the {client} BFF does not respond on {address}" in result.stderr


def test_limits_of_an_unknown_client_name_those_there_are(matapalo: Command, local: Platform) -> None:
    result = matapalo("limits", "reset", "cust_0001", "--client", "tv", data=local.data.root)
    assert (result.returncode, "use one of web, mobile, iot" in result.stderr) == (2, True)


@pytest.mark.parametrize("arguments", [(), ("tiers.toml", "--default"), ("/nowhere/tiers.toml",)])
def test_the_tiers_come_from_one_place(matapalo: Command, local: Platform, arguments: tuple[str, ...]) -> None:
    assert matapalo("limits", "set", *arguments, data=local.data.root).returncode == 2
