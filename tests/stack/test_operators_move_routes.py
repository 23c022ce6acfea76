"""The commands of an operator on the running platform: `matapalo routes`, `decommission`, `traffic`."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.platform import Platform

pytestmark = pytest.mark.stack


class Operator:
    """Runs commands that print JSON."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def __call__(self, *arguments: str) -> Any:
        done = self.platform.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def refused(self, *arguments: str, code: int = 1) -> str:
        done = self.platform.run(*arguments)
        assert done.returncode == code
        return done.stderr


@pytest.fixture
def operator(platform: Platform) -> Iterator[Operator]:
    """Leaves the route of the orders as it was."""
    command = Operator(platform)
    before = command("routes", "show", "orders")["share_bp"]
    yield command
    if command("routes", "show", "orders")["share_bp"] != before:
        command("routes", "set", "orders", "--percent", str(before / 100), "--reason", "the end of a test")


def test_a_percentage_is_live_within_a_second_and_rolled_back(operator: Operator) -> None:
    changed = operator("routes", "set", "/api/orders", "--percent", "40", "--reason", "a quiet week")
    assert changed["changes"] == {"share_bp": [2_500, 4_000]}
    assert changed["took_ms"] < 1_000
    assert changed["nodes"]["live"] == changed["nodes"]["nodes"] == 1

    for number in range(1, 21):
        user = f"cust_{number:04}"
        explained = operator("routes", "explain", "orders", "--user", user) if number < 4 else None
        response = operator.platform.get("/api/orders?limit=1", operator.platform.customer(user))
        assert explained is None or response.headers["x-strangler-target"] == explained["side"]

    rolled_back = operator("routes", "rollback", "/api/orders", "--reason", "complaints")
    assert rolled_back["changes"] == {"share_bp": [4_000, 2_500]}
    newest, before = operator("routes", "history", "orders", "--limit", "2")
    assert (newest["action"], newest["why"]) == ("rollback", "complaints")
    assert newest["restores"] < before["version"]
    assert (before["action"], before["why"]) == ("set", "a quiet week")


def test_what_breaks_a_rule_is_refused_with_its_remedy(operator: Operator) -> None:
    said = operator.refused("routes", "set", "products", "--percent", "5", "--reason", "a test")
    assert 'set writes = "legacy" or writes = "new"' in said
    said = operator.refused("routes", "set", "orders", "--percent", "5", "--reason", "a test", "--if-revision", "0")
    assert "you saw it at 0" in said
    assert "there is no route 'odrers'" in operator.refused("routes", "show", "odrers", code=2)
    said = operator.refused("routes", "set", "orders", "--percent", "0.001", "--reason", "x", code=2)
    assert "at most two decimals" in said


def test_the_table_is_printed_for_people_and_for_files(operator: Operator) -> None:
    table = operator.platform.run("routes", "list").stdout
    assert "is live on 1 of 1 nodes" in table
    assert "/api/orders" in table
    assert operator.platform.run("routes", "list", "--toml").stdout.startswith("[customers]\n")


def test_a_route_in_use_is_not_ready_and_says_what_uses_it(operator: Operator) -> None:
    traffic = operator("traffic", "--rps", "15", "--seconds", "2")
    assert traffic["failures"] == {}
    assert traffic["requests"] + traffic["skipped"] == 30
    assert traffic["targets"]["products legacy"] > 0
    report = operator("decommission", "report", "products")
    assert not report["is_ready"]
    assert "reads: the new side has 0 % of the users" in [need["because"] for need in report["requirements"]]
    said = operator.refused("decommission", "apply", "products", "--reason", "a test")
    assert said.startswith("matapalo: The legacy side is still needed\n- reads: the new side has 0 %")
