"""`matapalo limits` without a platform."""

import pytest

from matapalo.launcher.platform import Platform
from tests.matapalo.cli.conftest import Command


def test_limits_of_a_stopped_platform_says_what_to_do(matapalo: Command, local: Platform) -> None:
    result = matapalo("limits", "show", "cust_0001", data=local.data.root)
    assert (result.returncode, "matapalo up" in result.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [(), ("tiers.toml", "--default"), ("/nowhere/tiers.toml",)])
def test_the_tiers_come_from_one_place(matapalo: Command, local: Platform, arguments: tuple[str, ...]) -> None:
    assert matapalo("limits", "set", *arguments, data=local.data.root).returncode == 2
