"""GraphiQL of both clients at a running platform's edge. What else the page must do: test_graphiql_in_a_browser.py."""

import asyncio
import uuid

import pytest
from playwright.async_api import expect

from tests.harness.browser import Tab
from tests.harness.graphiql import editor, expect_suggestion, response, run, stored, visit, write
from tests.harness.platform import Platform
from tests.stack.test_an_order_is_placed_and_finishes import placed

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]

CLIENTS = pytest.mark.parametrize(("client", "field"), [("web", "dashboard"), ("mobile", "home")])


@CLIENTS
async def test_the_first_screen_of_a_client_is_one_click_away(platform: Platform, tab: Tab, client: str, field: str):
    secret = await asyncio.to_thread(platform.printed_token, "--customer", "cust_0001")
    await visit(tab.page, f"{platform.edge}/{client}/graphql#token={secret}")
    await expect(tab.page).to_have_title(f"Matapalo · {client}")
    await expect(tab.page.get_by_text("cust_0001")).to_be_visible()

    await run(tab.page)

    await expect(response(tab.page)).to_contain_text(f'{{ "data": {{ "{field}": {{ "customer": {{')
    assert tab.origins() == {platform.edge}
    assert secret not in await stored(tab.page)


@CLIENTS
async def test_a_field_of_the_clients_schema_is_completed(platform: Platform, tab: Tab, client: str, field: str):
    await visit(tab.page, f"{platform.edge}/{client}/graphql")
    await write(editor(tab.page), "")

    await tab.page.keyboard.type("{ ")

    await expect_suggestion(tab.page, field)


async def test_the_progress_of_an_order_is_shown(platform: Platform, tab: Tab):
    order_id = (await asyncio.to_thread(placed, platform, str(uuid.uuid4())))["order"]["id"]
    secret = await asyncio.to_thread(platform.printed_token, "--customer", "cust_0001")
    await visit(tab.page, f"{platform.edge}/web/graphql#token={secret}")
    await write(editor(tab.page), f'subscription {{ orderProgress(orderId: "{order_id}") {{ step state }} }}')

    await run(tab.page)

    await expect(response(tab.page)).to_contain_text('{ "data": { "orderProgress": { "step":')
