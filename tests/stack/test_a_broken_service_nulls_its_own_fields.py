"""Each service refuses, hangs or answers nonsense in turn: only its own fields are null, within the deadline."""

import re
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest

from tests.harness.platform import Platform

pytestmark = pytest.mark.stack

# What of the dashboard hangs on which service. Nothing else may be null.
OWN_FIELDS: dict[str, set[str]] = {
    "customers": {"customer", "recentOrders.*.customer"},
    "orders": {"recentOrders", "analytics"},
    "products": {"recommendations", "recommendations.*", "recentOrders.*.items.*.product"},
    "payments": {"recentOrders.*.payment"},
    "inventory": {"recommendations.*.stock", "recentOrders.*.items.*.product.stock"},
    "shipping": {"recentOrders.*.shipment", "recentOrders.*.trackingUrl"},
    "recommendations": {"recommendations"},
}
ANY_INDEX = re.compile(r"\.\d+")
FAULTS = {
    "refuses": ("--status", "503"),
    "drops the connection": ("--drop",),
    "answers too late": ("--latency-ms", "3000"),
}


@pytest.fixture
def dashboard(platform: Platform) -> Iterator[Any]:
    """Asks for the dashboard; heals every service afterwards."""
    query = {"query": platform.operation("web", "Dashboard")}
    healthy = nulls(platform.graphql("web", query, platform.customer()).data["dashboard"])

    def ask() -> tuple[Any, set[str], float]:
        began = monotonic()
        response = platform.graphql("web", query, platform.customer())
        missing = nulls(response.body["data"]["dashboard"]) - healthy
        return response, {ANY_INDEX.sub(".*", path) for path in missing}, monotonic() - began

    yield ask
    platform.fault("clear")


def nulls(value: Any, path: str = "") -> set[str]:
    """The paths that are null."""
    if value is None:
        return {path}
    if isinstance(value, dict):
        return {null for key, item in value.items() for null in nulls(item, f"{path}.{key}" if path else key)}
    if isinstance(value, list):
        return {null for index, item in enumerate(value) for null in nulls(item, f"{path}.{index}")}
    return set()


def break_both_sides(platform: Platform, service: str, fault: tuple[str, ...]) -> None:
    for side in ("new", "legacy"):
        platform.fault("set", service, "--side", side, *fault)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("service", OWN_FIELDS)
def test_only_its_own_fields_are_null(platform: Platform, dashboard: Any, service: str, fault: str) -> None:
    break_both_sides(platform, service, FAULTS[fault])
    response, missing, took_s = dashboard()

    assert missing
    assert missing <= OWN_FIELDS[service]
    assert set(response.codes) <= {"UPSTREAM_UNAVAILABLE", "UPSTREAM_TIMEOUT"}
    assert took_s < 5, "the deadline of a query is 2 s"


def test_nonsense_is_an_error_of_its_field_and_no_stack_trace(platform: Platform, dashboard: Any) -> None:
    nonsense = '[{"op": "replace", "path": "", "value": {"surprise": true}}]'
    break_both_sides(platform, "recommendations", ("--patch", nonsense))
    response, missing, _ = dashboard()

    assert missing == {"recommendations"}
    assert response.codes == ["UPSTREAM_UNAVAILABLE"]
    assert "Traceback" not in str(response.body)
