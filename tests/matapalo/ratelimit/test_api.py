"""The operators' API of the limits: show, reset, change the tiers; and who may."""

import re
from pathlib import Path

from tests.harness.asgi import request
from tests.harness.limits_bff import limited_bff

ME = "{ me { id } }"


async def test_only_operators_show_and_reset_limits(tmp_path: Path) -> None:
    async with limited_bff(tmp_path) as harness:
        for _ in range(10):
            await harness.query(ME)
        body = (await harness.admin("GET", "/admin/limits/cust_0001")).json()
        minute = body["policies"][0]
        assert (body["subject"], body["tier"]) == ("user:cust_0001", "free")
        assert (minute["name"], minute["used"], minute["remaining"]) == ("minute", 10, 0)
        assert (await harness.admin("GET", "/admin/limits/cust_0001", role="customer")).status == 403
        assert (await request(harness.app, "DELETE", path="/admin/limits/cust_0001")).status == 401
        assert (await harness.query(ME)).status == 429
        assert (await harness.admin("DELETE", "/admin/limits/cust_0001")).json()["forgotten"] is True
        assert (await harness.query(ME)).status == 200


async def test_operators_change_the_tiers_without_a_restart(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "matapalo/ratelimit/tiers.toml").read_bytes()
    async with limited_bff(tmp_path) as harness:
        assert (await harness.query(ME)).headers["x-ratelimit-limit"] == "10"
        changed = await harness.admin("PUT", "/admin/tiers", body=re.sub(rb"(?m)^minute = 10$", b"minute = 3", text))
        assert changed.status == 200, changed.body
        assert (await harness.query(ME)).headers["x-ratelimit-limit"] == "3"
        denied = await harness.admin("PUT", "/admin/tiers", body=re.sub(rb"(?m)^minute = 10$", b"minute = -3", text))
        assert (denied.status, "minute" in denied.json()["title"]) == (422, True)
        assert (await harness.admin("DELETE", "/admin/tiers")).status == 200
        assert (await harness.query(ME)).headers["x-ratelimit-limit"] == "10"


async def test_operators_are_told_when_the_store_is_away(tmp_path: Path) -> None:
    async with limited_bff(tmp_path) as harness:
        harness.store.is_away = True
        assert (await harness.admin("GET", "/admin/limits/cust_0001")).status == 503
