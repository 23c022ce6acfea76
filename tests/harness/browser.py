"""Chromium for tests, driven by Playwright: one browser a test run, one isolated tab a test.

A test takes `tab` (async; it carries ``pytest.mark.asyncio(loop_scope="session")``, the loop the browser lives in). Its
tab fails the test for any script error, console error or policy violation and for any request to another origin. Each
test leaves a screenshot in `artefacts/`, a failed one also a trace (``playwright show-trace``).

Without a browser such a test fails and says what to do; ``BROWSER=none`` leaves them out.
"""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from tests.harness.environment import chromium_path, wants_browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "No Chromium found: install one (Debian: `apt-get install chromium`), or set CHROMIUM to its path, "
    "or set BROWSER=none to leave the browser tests out."
)
TIMEOUT_MS = 15_000

_FAILED = pytest.StashKey[bool]()
_REPORT_VIOLATIONS = """
addEventListener('securitypolicyviolation', (event) =>
  console.error(`policy violation: ${event.effectiveDirective} by ${event.blockedURI} ${event.sample}`));
"""


def find_chromium() -> str | None:
    """The executable to start: ``CHROMIUM``, else the first known name on PATH."""
    return chromium_path() or next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Tab:
    """A page with what went wrong in it. ``page`` is Playwright's."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    @classmethod
    async def open(cls, context: BrowserContext) -> "Tab":
        """An empty page of ``context`` that is listened to."""
        await context.add_init_script(_REPORT_VIOLATIONS)
        tab = cls(await context.new_page())
        context.on("request", lambda request: tab.requested.append(request.url))
        tab.page.on("pageerror", lambda error: tab.complaints.append(f"script error: {error}"))
        tab.page.on("console", tab._hear)
        return tab

    def origins(self) -> set[str]:
        """Scheme, host and port of every request made over the network."""
        urls = [urlsplit(url) for url in self.requested]
        return {f"{url.scheme}://{url.netloc}" for url in urls if url.scheme not in {"data", "blob"}}

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text} ({message.location['url']})")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The test run's Chromium."""
    executable = find_chromium()
    if executable is None:
        pytest.fail(MISSING, pytrace=False)
    expect.set_options(timeout=TIMEOUT_MS)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=executable)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def tab(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Tab]:
    """An empty tab without cookies or storage; indirect parametrisation gives ``new_context`` options."""
    options = {"reduced_motion": "reduce", "locale": "en-GB", "timezone_id": "UTC", **getattr(request, "param", {})}
    async with await browser.new_context(**options) as context:
        context.set_default_timeout(TIMEOUT_MS)
        await context.tracing.start(screenshots=False, snapshots=True)
        tab = await Tab.open(context)
        yield tab
        await _leave_artefacts(tab, request.node)
    assert not tab.complaints, "\n".join(tab.complaints)
    assert len(tab.origins()) <= 1, f"requests to more than one origin: {sorted(tab.origins())}"


async def _leave_artefacts(tab: Tab, test: pytest.Item) -> None:
    folder = test.config.rootpath / "artefacts"
    name = Path(test.path).stem + "." + "".join(character if character.isalnum() else "_" for character in test.name)
    await tab.page.screenshot(path=folder / f"{name}.png")
    failed = test.stash.get(_FAILED, True) or tab.complaints
    await tab.page.context.tracing.stop(path=folder / f"{name}.zip" if failed else None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Remembers for the fixtures' teardown whether the test itself failed."""
    report = yield
    if report.when == "call":
        item.stash[_FAILED] = report.failed
    return report


def pytest_report_header() -> str:
    """Which browser the tests use, or that they are left out."""
    if not wants_browser():
        return "browser: none (BROWSER=none): tests that need one are left out"
    return f"browser: {find_chromium() or 'not found'}"


@pytest.hookimpl(trylast=True)  # after -k and -m have had their say
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drops the tests that need a browser when none is wanted."""
    if wants_browser():
        return
    browsing = [item for item in items if "browser" in getattr(item, "fixturenames", ())]
    items[:] = [item for item in items if item not in browsing]
    config.hook.pytest_deselected(items=browsing)
