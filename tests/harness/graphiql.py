"""Hands and eyes on a GraphiQL page, for browser tests of any server that has one."""

from playwright.async_api import Locator, Page, Request, expect

from tests.harness.eventually import eventually


def editor(page: Page) -> Locator:
    return page.get_by_role("region", name="Operation Editor")


def response(page: Page) -> Locator:
    """The response as text. (The editor draws blanks as no-break spaces; `expect` reads both as blanks.)"""
    return page.locator(".graphiql-response .view-lines")


def execute(page: Page) -> Locator:
    return page.get_by_role("button", name="Execute query")


async def visit(page: Page, url: str) -> None:
    """Open GraphiQL and wait for its editors: until they are there, its buttons do nothing."""
    await page.goto(url)
    await expect(editor(page).locator(".view-line").first).to_be_visible()
    await expect(response(page)).to_be_attached()


async def run(page: Page) -> None:
    await execute(page).click()


async def write(region: Locator, text: str) -> None:
    """Replace what is in an editor, without its automatic brackets."""
    await region.locator(".view-lines:visible").click()
    await region.page.keyboard.press("Control+A")
    await region.page.keyboard.press("Delete")
    await region.page.keyboard.insert_text(text)


async def schema_loaded(page: Page) -> None:
    """Wait until GraphiQL has introspected: only then it colours an unknown field or completes a known one."""
    await expect(page.get_by_role("button", name="Re-fetch GraphQL schema")).to_be_enabled()


async def expect_suggestion(page: Page, field: str) -> None:
    """Ask for completion where the caret is until ``field`` is offered: the editor's worker learns the schema late."""
    suggestion = page.locator(".suggest-widget").get_by_text(field, exact=True)

    async def offered() -> bool:
        await page.keyboard.press("Escape")
        await page.keyboard.press("Control+Space")
        try:
            await expect(suggestion).to_be_visible(timeout=1_000)
        except AssertionError:
            return False
        return True

    await eventually(offered, deadline_s=20, message=f"completion offers {field}")


def is_operation(request: Request) -> bool:
    """Whether a request runs an operation other than GraphiQL's introspection."""
    return request.method == "POST" and "IntrospectionQuery" not in (request.post_data or "")


async def run_remembered(page: Page) -> None:
    """Run `query Remembered` and wait until GraphiQL has stored all it wants to.

    It stores late: the tab some time after the last key (its headers first), the history while an operation runs.
    """
    await write(editor(page), "query Remembered { __typename }")
    await _stored_under(page, "graphiql:tabState")
    await run(page)
    await _stored_under(page, "graphiql:queries")
    await expect(response(page)).to_contain_text('"__typename": "Query"')


async def _stored_under(page: Page, name: str) -> None:
    await page.wait_for_function(
        """(name) => Object.entries(localStorage).some(([key, value]) =>
             key.endsWith(name) && value.includes('query Remembered'))""",
        arg=name,
    )


async def stored(page: Page) -> str:
    """Everything that outlives the page: both storages and the cookies, as text."""
    storages: str = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    return f"{storages} {await page.context.cookies()}"
