"""GraphiQL as people use it, in Chromium without a network.

Every check takes a `site`: where the page is and what its schema returns. (`tab` adds its own: no script error, no
policy violation, no request to another origin.)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Route, expect

from tests.harness.browser import Tab
from tests.harness.graphiql import (
    editor,
    execute,
    expect_suggestion,
    is_operation,
    response,
    run,
    run_remembered,
    schema_loaded,
    stored,
    visit,
    write,
)
from tests.harness.graphql_server import served
from tests.harness.tokens import token

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]

DARK = {"color_scheme": "dark"}


@dataclass(frozen=True)
class Site:
    """Where GraphiQL is and what to expect of the schema behind it."""

    url: str
    title: str
    response: str
    """What the response to the query shown at first contains."""
    field: str
    """A field of the query type."""
    subscription: str
    event: str
    """What the response contains once ``subscription`` has had an event."""


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with served() as origin:
        yield origin


@pytest.fixture
def site(origin: str, request: pytest.FixtureRequest) -> Site:
    """The small server, at the path of the web client behind the edge unless a test asks for another."""
    path = getattr(request, "param", "/web/graphql")
    return Site(
        url=origin + path,
        title="Matapalo · mobile" if path.startswith("/mobile/") else "Matapalo · web",
        response="Ada Lovelace",
        field="customer",
        subscription="subscription { counter(to: 3) }",
        event="3 of 3",
    )


@pytest.mark.parametrize("site", ["/graphql", "/web/graphql", "/mobile/graphql"], indirect=True)
async def test_the_query_shown_at_first_runs(tab: Tab, site: Site):
    await visit(tab.page, site.url)
    await expect(tab.page).to_have_title(site.title)

    await run(tab.page)

    await expect(response(tab.page)).to_contain_text(site.response)
    assert tab.origins() == {site.url.removesuffix(urlsplit(site.url).path)}


@pytest.mark.parametrize("tab", [DARK], indirect=True, ids=["dark"])
async def test_a_dark_system_gets_a_dark_page(tab: Tab, site: Site):
    await visit(tab.page, site.url)
    await run(tab.page)
    await expect(response(tab.page)).to_contain_text(site.response)

    colour = await tab.page.locator(".graphiql-container").evaluate("(it) => getComputedStyle(it).backgroundColor")

    assert max(int(channel) for channel in re.findall(r"\d+", colour)[:3]) < 80, colour


async def test_a_field_of_the_schema_is_completed(tab: Tab, site: Site):
    await visit(tab.page, site.url)
    await schema_loaded(tab.page)
    await write(editor(tab.page), "")

    await tab.page.keyboard.type("{ ")

    await expect_suggestion(tab.page, site.field)


async def test_a_closed_schema_arrives_with_a_token(tab: Tab, site: Site):
    await tab.page.route("**/graphql", _refuse_without_token)
    await visit(tab.page, site.url)
    await expect(tab.page.get_by_role("button", name="Re-fetch GraphQL schema")).to_be_enabled()

    await tab.page.get_by_label("Token").fill(token())
    async with tab.page.expect_response(lambda response: response.request.method == "POST"):
        await tab.page.keyboard.press("Enter")
    await tab.page.get_by_role("button", name="Show Documentation Explorer").click()

    await expect(tab.page.locator(".graphiql-plugin")).to_contain_text("query: Query")


async def test_a_subscription_shows_its_events(tab: Tab, site: Site):
    secret = token("cust_0001")
    await visit(tab.page, f"{site.url}#token={secret}")
    await write(editor(tab.page), site.subscription)

    async with tab.page.expect_request(is_operation) as sent:
        await run(tab.page)

    headers = await (await sent.value).all_headers()
    assert (headers["accept"], headers["authorization"]) == ("text/event-stream", f"Bearer {secret}")
    await expect(response(tab.page)).to_contain_text(site.event)


async def test_a_subscription_that_is_refused_shows_why(tab: Tab, site: Site):
    await visit(tab.page, site.url)
    await write(editor(tab.page), "subscription { noSuchEvent }")

    await run(tab.page)

    await expect(response(tab.page)).to_contain_text("noSuchEvent")
    tab.complaints.clear()  # the browser logs every 4xx as an error


async def test_a_subscription_ends_when_it_is_stopped(tab: Tab, site: Site):
    await visit(tab.page, site.url)
    await write(editor(tab.page), site.subscription)
    await run(tab.page)
    stop = tab.page.get_by_role("button", name="Stop query")
    await expect(stop).to_be_visible()

    await stop.click()

    await expect(execute(tab.page)).to_be_visible()


async def test_a_token_in_the_field_is_sent_and_stored_nowhere(tab: Tab, site: Site):
    secret = token("cust_0007", tier="premium")
    await visit(tab.page, site.url)
    await tab.page.get_by_label("Token").fill(secret)
    await expect(tab.page.get_by_text("cust_0007, premium")).to_be_visible()

    async with tab.page.expect_request(is_operation) as sent:
        await run_remembered(tab.page)

    assert (await (await sent.value).all_headers())["authorization"] == f"Bearer {secret}"
    assert secret not in await stored(tab.page)


async def test_a_token_in_the_address_is_taken_out_of_it(tab: Tab, site: Site):
    secret = token("cust_0007")
    await visit(tab.page, f"{site.url}#token={secret}")

    await expect(tab.page.get_by_label("Token")).to_have_value(secret)
    await run_remembered(tab.page)

    assert tab.page.url == site.url
    assert secret not in await stored(tab.page)
    assert secret not in await tab.page.content()


async def test_another_token_in_the_address_replaces_the_first(tab: Tab, site: Site):
    await visit(tab.page, f"{site.url}#token={token('cust_0001')}")
    await expect(tab.page.get_by_text("cust_0001, free")).to_be_visible()

    await visit(tab.page, f"{site.url}#token={token('cust_0002')}")

    await expect(tab.page.get_by_text("cust_0002, free")).to_be_visible()


async def test_a_token_in_the_header_editor_is_sent_and_stored_nowhere(tab: Tab, site: Site):
    await visit(tab.page, site.url)
    await tab.page.get_by_role("button", name="Headers").click()
    await write(tab.page.get_by_role("region", name="Headers"), '{"x-canary": "typed-by-hand"}')

    async with tab.page.expect_request(is_operation) as sent:
        await run_remembered(tab.page)

    assert (await (await sent.value).all_headers())["x-canary"] == "typed-by-hand"
    assert "typed-by-hand" not in await stored(tab.page)


async def test_tabs_and_history_survive_a_reload_at_their_endpoint(tab: Tab, site: Site):
    await visit(tab.page, site.url)
    await run_remembered(tab.page)

    await tab.page.reload()
    await expect(tab.page.get_by_role("tab", name="Remembered")).to_be_visible()
    await expect(editor(tab.page)).to_contain_text("query Remembered")
    await tab.page.get_by_role("button", name="Show History").click()
    await expect(tab.page.locator(".graphiql-history-item").first).to_contain_text("Remembered")

    await visit(tab.page, site.url.replace("/web/", "/mobile/"))
    await expect(editor(tab.page)).not_to_contain_text("query Remembered")


async def test_what_was_just_typed_runs(tab: Tab, site: Site):
    await visit(tab.page, site.url)
    await write(editor(tab.page), "query Renamed { __typename }")

    await run(tab.page)

    await expect(response(tab.page)).to_contain_text('"__typename": "Query"')


async def test_requests_name_the_client_and_accept_graphql_responses(tab: Tab, site: Site):
    await visit(tab.page, site.url)

    async with tab.page.expect_request(is_operation) as sent:
        await run(tab.page)

    headers = await (await sent.value).all_headers()
    assert headers["x-client-name"] == "graphiql"
    assert headers["accept"] == "application/graphql-response+json, application/json"
    assert "idempotency-key" not in headers


async def test_each_mutation_carries_a_new_idempotency_key(tab: Tab, origin: str):
    await visit(tab.page, f"{origin}/web/graphql")
    await write(editor(tab.page), "mutation { idempotencyKey }")

    keys = set()
    for _ in range(2):
        async with tab.page.expect_response(lambda response: is_operation(response.request)) as received:
            await run(tab.page)
        keys.add((await (await received.value).json())["data"]["idempotencyKey"])

    assert len(keys) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)


async def test_a_response_that_is_not_graphql_is_quoted(tab: Tab, site: Site):
    await visit(tab.page, site.url)
    await schema_loaded(tab.page)
    await tab.page.route("**/graphql", lambda route: route.fulfill(body="upstream connect error"))

    await run(tab.page)

    await expect(response(tab.page)).to_contain_text("HTTP 200, and no GraphQL result: upstream connect error")


@pytest.mark.parametrize("plugin", ["Documentation Explorer", "GraphiQL Explorer"])
async def test_a_plugin_shows_the_schema(tab: Tab, site: Site, plugin: str):
    await visit(tab.page, site.url)
    await schema_loaded(tab.page)

    await tab.page.get_by_role("button", name=f"Show {plugin}").click()

    await expect(tab.page.locator(".graphiql-plugin")).to_contain_text(
        "query: Query" if plugin.startswith("Documentation") else site.field
    )


async def _refuse_without_token(route: Route) -> None:
    request = route.request
    if request.method == "POST" and "authorization" not in request.headers:
        await route.fulfill(json={"errors": [{"message": "Introspection needs a token."}]})
    else:
        await route.continue_()
