"""A free customer's eleventh operation in a minute is denied with every header; an enterprise customer's never is.

On the running platform, through the edge: both processes share the limits, and nothing behind them hears of a denial.
"""

import json

import pytest

from tests.harness.platform import Platform

pytestmark = pytest.mark.stack

ME = {"query": "{ me { id } }"}
EVERY_HEADER = (
    "ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after",
)  # fmt: skip


def token(platform: Platform, customer: str, tier: str) -> dict[str, str]:
    return {"authorization": f"Bearer {platform.printed_token('--customer', customer, '--tier', tier)}"}


def calls_for_both(platform: Platform) -> dict[tuple[str, str, str], int]:
    """The counts of what the two operations read; other reads may still be ending from before."""
    read = ("/api/customers", "/api/orders")
    return {call: count for call, count in platform.rest_calls().items() if call[2].startswith(read)}


def test_a_free_customer_has_ten_operations_a_minute_in_total(platform: Platform) -> None:
    headers = token(platform, "cust_0911", "free")
    responses = [platform.graphql("web", ME, headers) for _ in range(6)]
    responses += [platform.graphql("mobile", platform.persisted("Home"), headers) for _ in range(4)]
    assert [response.status for response in responses] == [200] * 10
    assert [response.headers["x-ratelimit-remaining"] for response in responses] == [
        str(left) for left in range(9, -1, -1)
    ]
    before = calls_for_both(platform)
    for client, params in (("web", ME), ("mobile", platform.persisted("Home"))):
        denied = platform.graphql(client, params, headers)
        assert (denied.status, denied.codes) == (429, ["RATE_LIMITED"])
        assert [name for name in EVERY_HEADER if name not in denied.headers] == []
        assert 1 <= int(denied.headers["retry-after"]) <= 67
    assert calls_for_both(platform) == before

    limits = json.loads(platform.run("limits", "show", "cust_0911", "--json").stdout)
    minute = next(policy for policy in limits["policies"] if policy["name"] == "minute")
    assert (minute["limit"], minute["remaining"]) == (10, 0)
    assert "10" in platform.run("limits", "show", "cust_0911").stdout
    assert platform.run("limits", "reset", "cust_0911").returncode == 0
    assert platform.graphql("web", ME, headers).status == 200


def test_an_enterprise_customer_is_never_denied(platform: Platform) -> None:
    headers = token(platform, "cust_0912", "enterprise")
    responses = [platform.graphql("web", ME, headers) for _ in range(40)]
    assert [response.status for response in responses] == [200] * 40
    assert "minute" not in responses[-1].headers["ratelimit-policy"]


def test_a_browser_may_read_the_limits(platform: Platform) -> None:
    headers = token(platform, "cust_0913", "enterprise") | {"origin": "http://localhost:3000"}
    exposed = platform.graphql("web", ME, headers).headers["access-control-expose-headers"].lower()
    assert [name for name in EVERY_HEADER if name not in exposed] == []
