"""The console in Chromium: on a running platform from sign-in to rollback, and the states that are hard to bring about
there on a control plane in memory.

Every tab fails for a script error, a policy violation, or a request to another origin (tests/harness/browser.py).
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from matapalo.launcher.keys import Role
from tests.harness.browser import Tab
from tests.harness.platform import Platform
from tests.matapalo.strangler.console.harness import OPERATOR, busy_console
from tests.matapalo.strangler.harness import Harness

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]

PAGES = ("", "/routes/orders", "/routes/products", "/rollouts", "/history", "/decommission")
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}
EVERY_LOOK = pytest.mark.parametrize("tab", LOOKS.values(), ids=LOOKS.keys(), indirect=True)
PLANTED = '[{"op": "add", "path": "/channel", "value": "web"}]'


async def sign_in(page: Page, site: str, token: str) -> None:
    await page.goto(f"{site}/console")
    await page.get_by_label("Operator token").fill(token)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Routes", exact=True)).to_be_visible()


async def is_live(page: Page) -> None:
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")


async def press(region: Locator, button: str, *, reason: str) -> Locator:
    """Gives the reason, presses the button; what is said about it."""
    form = region.locator("form").filter(has=region.page.get_by_role("button", name=button))
    await form.get_by_label("Reason").fill(reason)
    await form.get_by_role("button", name=button).click()
    return form.locator(".outcome")


def forgive(tab: Tab, status: int) -> None:
    """Chromium complains of every refused write; the page has told its user, who asked for it."""
    (complaint,) = [words for words in tab.complaints if f"status of {status}" in words]
    tab.complaints.remove(complaint)


# --- on a running platform -------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="session")
async def compared(platform: Platform) -> AsyncIterator[Platform]:
    """A platform whose orders are compared, with a field that only the new side has, and in use."""

    async def run(*arguments: str) -> None:
        done = await asyncio.to_thread(platform.run, *arguments)
        assert done.returncode == 0, done.stderr

    await run("routes", "set", "orders", "--percent", "25", "--shadow", "100", "--reason", "compare first")
    await run("fault", "set", "orders", "--patch", PLANTED)
    traffic = asyncio.create_task(run("traffic", "--rps", "40", "--seconds", "8"))
    try:
        yield platform
    finally:
        await traffic
        await run("fault", "clear", "orders")
        await run("routes", "set", "orders", "--percent", "25.01", "--shadow", "0", "--reason", "the end of a test")
        await run("routes", "set", "orders", "--percent", "25", "--reason", "the end of a test")


async def test_an_operator_sets_a_share_compares_and_rolls_back(compared: Platform, tab: Tab):
    page = tab.page
    secret = compared.signed_in("ops", Role.OPERATOR)["authorization"].removeprefix("Bearer ")
    await sign_in(page, compared.edge, secret)
    assert secret not in page.url
    assert await page.evaluate("document.cookie + JSON.stringify({...localStorage, ...sessionStorage})") == "{}"

    await page.get_by_role("link", name="/api/orders").click()
    await is_live(page)
    split, history = page.locator("#route"), page.locator("#history")
    await split.get_by_label("Users on the new side").fill("40")
    outcome = await press(split, "Set to 40 %", reason="a quiet week")
    await expect(outcome).to_contain_text("40\u202f% of the users are on the new side")
    await expect(split.locator("[data-cell='orders/share']")).to_have_text("40\u202f%")
    await expect(page.get_by_text("live on 1 of 1 nodes")).to_be_visible()
    await expect(history).to_contain_text("share 25 % → 40 %")

    for chart in ("latency", "errors"):
        await expect(page.locator(f"[data-chart={chart}] canvas")).to_be_visible()
    await expect(page.locator("#gates")).to_contain_text("some differ at $.channel")
    await expect(page.locator("h1 + .chip")).to_have_text("✗ FAIL")

    differences = page.locator("#differences")
    await expect(differences).to_contain_text("✗ differs")
    await differences.locator("summary").first.click()
    await expect(differences.locator("mark").first).to_contain_text("channel")

    outcome = await press(history, "Roll back to 25 %", reason="complaints")
    await expect(outcome).to_contain_text("as it was before its last change")
    await expect(split.locator("[data-cell='orders/share']")).to_have_text("25\u202f%")
    await expect(history).to_contain_text("complaints")
    await expect(history).to_contain_text("a quiet week")

    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in to the console")).to_be_visible()
    assert tab.origins() == {compared.edge}


async def test_a_plan_is_started_held_and_rolled_back_in_the_console(platform: Platform, tab: Tab):
    page = tab.page
    printed = await asyncio.to_thread(platform.run, "console", "--print")
    await page.goto(printed.stdout.strip())
    assert page.url == f"{platform.edge}/console"
    await page.goto(f"{platform.edge}/console/routes/orders")
    await is_live(page)
    rollout = page.locator("#rollout")
    await rollout.get_by_label("Plan").fill("26% for 1 hour, 50% for 1 hour, 100%")
    await press(rollout, "Start the rollout", reason="the first half")
    await expect(rollout.locator("[aria-current=step]")).to_contain_text("26\u202f%")

    await rollout.get_by_role("button", name="Hold").click()
    await expect(rollout.get_by_role("button", name="Resume")).to_be_visible()
    await expect(rollout).to_contain_text("held by")
    refused = await press(rollout, "Roll back to 0", reason="")
    await expect(refused).to_contain_text("say why")
    forgive(tab, 422)
    await press(rollout, "Roll back to 0", reason="another day")
    await expect(rollout).to_contain_text("rolled back by")
    await expect(page.locator("#route [data-cell='orders/share']")).to_have_text("0\u202f%")

    back = await asyncio.to_thread(
        platform.run, "routes", "set", "orders", "--percent", "25", "--reason", "the end of a test"
    )
    assert back.returncode == 0, back.stderr


# --- on a control plane in memory ------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="session")
async def harness() -> Harness:
    return await busy_console()


@pytest_asyncio.fixture(loop_scope="session")
async def site(harness: Harness) -> AsyncIterator[str]:
    async with harness.served() as address:
        yield address


@EVERY_LOOK
async def test_no_page_is_wider_than_its_window(site: str, tab: Tab, request: pytest.FixtureRequest):
    folder, look = request.config.rootpath / "artefacts", request.node.callspec.id
    await sign_in(tab.page, site, OPERATOR)
    for path in PAGES:
        await tab.page.goto(f"{site}/console{path}")
        await is_live(tab.page)
        for summary in await tab.page.locator("#differences summary").all():
            await summary.click()
        width, window = await tab.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width <= window, f"{path} is {width} px wide"
        name = path.strip("/").replace("/", "-") or "routes"
        await tab.page.screenshot(path=folder / f"console-{look}-{name}.png", full_page=True)


async def test_values_move_while_the_operator_types(harness: Harness, site: str, tab: Tab):
    page = tab.page
    await sign_in(page, site, OPERATOR)
    await page.goto(f"{site}/console/routes/orders")
    await is_live(page)
    reason = page.locator("#route").get_by_label("Reason")
    await reason.fill("half a sent")
    await harness.services.changes.set_route("orders", {"share_bp": 3_000}, by="another", why="was faster")
    harness.clock.advance(10)
    await expect(page.locator("#route [data-cell='orders/share']")).to_have_text("30\u202f%")
    await expect(page.locator("#history")).to_contain_text("was faster")
    await expect(reason).to_have_value("half a sent")

    outcome = await press(page.locator("#route"), "Set to 25 %", reason="half a sentence")
    await expect(outcome).to_contain_text("was changed at version 5, and you saw it at 4")
    await expect(outcome).to_have_attribute("role", "alert")
    forgive(tab, 409)


async def test_old_numbers_are_called_old_until_there_are_new_ones(harness: Harness, site: str, tab: Tab):
    page = tab.page
    await sign_in(page, site, OPERATOR)
    await page.goto(f"{site}/console/routes/orders")
    await is_live(page)
    harness.store.is_down = True
    harness.clock.advance(10)
    await expect(page.locator("#live")).to_have_attribute("data-state", "stale")
    await expect(page.locator("#live")).to_contain_text("numbers are old")
    harness.store.is_down = False
    harness.clock.advance(10)
    await is_live(page)


async def test_the_keyboard_alone_is_enough(harness: Harness, site: str, tab: Tab):
    page = tab.page
    await sign_in(page, site, OPERATOR)
    await page.goto(f"{site}/console/routes/orders")
    await is_live(page)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Users on the new side")).to_be_focused()
    await page.keyboard.type("50")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.type("by hand")
    await page.keyboard.press("Enter")
    await expect(page.locator("#outcome-split")).to_contain_text("50\u202f%")


async def test_the_theme_can_be_chosen_and_stays(site: str, tab: Tab):
    page = tab.page
    await sign_in(page, site, OPERATOR)
    light = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await page.get_by_role("button", name="Light or dark").click()
    await page.reload()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") != light


@pytest.mark.parametrize("tab", [{"java_script_enabled": False}], indirect=True)
async def test_without_scripts_everything_can_still_be_read_and_done(harness: Harness, site: str, tab: Tab):
    page = tab.page
    await sign_in(page, site, OPERATOR)
    await page.get_by_role("link", name="/api/orders").click()
    await page.locator("#windows summary").click()
    await expect(page.get_by_role("region", name="The last windows")).to_be_visible()
    split = page.locator("#route")
    await split.get_by_label("Users on the new side").fill("30")
    outcome = await press(split, "Set the share", reason="without scripts")
    await expect(outcome).to_have_text("✓ Done.")
    await expect(split.locator("[data-cell='orders/share']")).to_have_text("30\u202f%")
    await press(page.locator("#history"), "Roll back to 25 %", reason="without scripts")
    await expect(split.locator("[data-cell='orders/share']")).to_have_text("25\u202f%")
