"""The other queries of the web client: by id, in pages, and with arguments that cannot be."""

from typing import Any

import pytest

from matapalo.errors import BffError
from tests.harness.in_memory_bff import ANONYMOUS, OPERATOR, code_of, execute, operation
from tests.harness.upstream import CUSTOMERS, ORDERS_EACH, FakeUpstream


async def data(schema: Any, query: str, **options: Any) -> Any:
    """The data of a result, which must be without errors."""
    result = await execute(schema, query, options.pop("upstream", None) or FakeUpstream(), **options)
    assert result.errors == []
    return result.data


# --- by id ---


async def test_an_order_and_a_product_are_found_by_id(schema):
    result = await data(schema, '{ order(id: "ord_00001") { id status } product(id: "prod_0002") { id stock } }')
    assert result == {
        "order": {"id": "ord_00001", "status": "PENDING"},
        "product": {"id": "prod_0002", "stock": 2},
    }


@pytest.mark.parametrize("order_id", ["ord_99999", "ord_00013", "", "a,b", "../customers", "x" * 65])
async def test_what_does_not_exist_or_is_foreign_is_null(schema, order_id):
    result = await data(schema, "query ($id: ID!) { order(id: $id) { id } }", variables={"id": order_id})
    assert result == {"order": None}


async def test_an_id_that_no_service_could_have_costs_no_call(schema):
    upstream = FakeUpstream()
    await data(schema, '{ product(id: "a,b") { id } }', upstream=upstream)
    assert upstream.calls == []


async def test_aliases_of_one_level_are_one_call(schema):
    upstream = FakeUpstream()
    aliases = " ".join(f'p{n}: product(id: "prod_{n:04}") {{ name stock }}' for n in range(1, 31))
    await data(schema, f"{{ {aliases} }}", upstream=upstream)
    assert upstream.counts() == {"/api/products": 1, "/api/inventory": 1}


async def test_a_viewer_who_is_no_customer_has_no_profile(schema):
    assert await data(schema, "{ me { id } }", viewer=OPERATOR) == {"me": None}


# --- pages ---

PAGES = """query ($first: Int, $after: String) {
  orders(first: $first, after: $after) { edges { cursor node { id } } nodes { id } pageInfo { hasNextPage endCursor } }
}"""


async def test_pages_follow_each_other_to_the_end(schema):
    seen: list[str] = []
    after, more = None, True
    while more:
        page = (await data(schema, PAGES, variables={"first": 5, "after": after}))["orders"]
        seen += [node["id"] for node in page["nodes"]]
        assert [edge["node"] for edge in page["edges"]] == page["nodes"]
        assert page["edges"][-1]["cursor"] == page["pageInfo"]["endCursor"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert seen == [f"ord_{n:05}" for n in range(1, ORDERS_EACH + 1)]


@pytest.mark.parametrize("edge", range(5))
async def test_the_list_goes_on_after_any_edge(schema, edge):
    first = (await data(schema, PAGES, variables={"first": 5}))["orders"]
    page = (await data(schema, PAGES, variables={"first": 3, "after": first["edges"][edge]["cursor"]}))["orders"]
    assert [node["id"] for node in page["nodes"]] == [f"ord_{n:05}" for n in range(edge + 2, edge + 5)]


async def test_orders_of_one_status(schema):
    result = await data(schema, "{ orders(status: SHIPPED) { nodes { id status } pageInfo { hasNextPage } } }")
    assert [node["status"] for node in result["orders"]["nodes"]] == ["SHIPPED", "SHIPPED"]
    assert result["orders"]["pageInfo"] == {"hasNextPage": False}


async def test_an_empty_page_has_no_end(schema):
    result = await data(
        schema,
        '{ products(search: "nothing like it") { nodes { id } edges { cursor } pageInfo { hasNextPage endCursor } } }',
    )
    assert result["products"] == {"nodes": [], "edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}


async def test_operators_see_all_orders_with_one_call_for_customers(schema):
    upstream = FakeUpstream()
    result = await data(schema, operation("web", "OrdersWithCustomers"), upstream=upstream, viewer=OPERATOR)
    nodes = result["orders"]["nodes"]
    assert len(nodes) == 100
    assert len({node["customer"]["id"] for node in nodes}) > CUSTOMERS // 2
    assert upstream.counts() == {"/api/orders": 1, "/api/customers": 1}


async def test_the_orders_of_many_customers_are_one_call(schema):
    upstream = FakeUpstream()
    query = "{ orders(first: 100) { nodes { customer { orders(first: 2) { nodes { id } } } } } }"
    result = await data(schema, query, upstream=upstream, viewer=OPERATOR)
    assert all(len(node["customer"]["orders"]["nodes"]) == 2 for node in result["orders"]["nodes"])
    assert upstream.counts() == {"/api/orders": 1, "/api/customers": 1, "/api/orders/by-customer": 1}


async def test_anonymous_viewers_search_products_by_name_and_category(schema):
    query = '{ products(search: " PRODUCT 1 ", category: "Books", first: 100) { nodes { name category } } }'
    result = await data(schema, query, viewer=ANONYMOUS)
    assert {node["category"] for node in result["products"]["nodes"]} == {"Books"}
    assert all("Product 1" in node["name"] for node in result["products"]["nodes"])


# --- arguments that cannot be ---


@pytest.mark.parametrize(
    ("arguments", "argument", "value"),
    [
        ("first: 0", "first", 0),
        ("first: -1", "first", -1),
        ("first: 101", "first", 101),
        ("first: 1000", "first", 1000),
        ('after: "no cursor"', "after", "no cursor"),
        ('after: ""', "after", ""),
        ('after: "ä"', "after", "ä"),
        ('after: "MTAwOg"', "after", "MTAwOg"),  # 100 rows to skip
        ('after: "MDpmb3JnZWQ"', "after", "MDpmb3JnZWQ"),  # well-formed, but the service does not know it
        (f'after: "{"x" * 5000}"', "after", "x" * 60 + "…"),
    ],
)
@pytest.mark.parametrize("field", ["orders", "products"])
async def test_a_bad_argument_is_named_with_its_value(schema, field, arguments, argument, value):
    result = await execute(
        schema,
        f"{{ {field}({arguments}) {{ nodes {{ id }} }} dashboard {{ analytics {{ orderCount }} }} }}",
        FakeUpstream(),
    )
    assert result.data == {field: None, "dashboard": {"analytics": {"orderCount": 10}}}
    [error] = result.errors
    assert code_of(error) == "BAD_USER_INPUT"
    assert isinstance(error.original_error, BffError)
    assert error.original_error.details == {"argument": argument, "value": value}
    assert argument in error.message


@pytest.mark.parametrize("field", ["recentOrders(first: 0)", "recommendations(first: 101)"])
async def test_the_dashboards_sizes_are_checked_too(schema, field):
    result = await execute(schema, f"{{ dashboard {{ {field} {{ id }} }} }}", FakeUpstream())
    assert [code_of(error) for error in result.errors] == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("argument", ["search", "category"])
@pytest.mark.parametrize(("text", "value"), [("x" * 101, "x" * 60 + "…"), ("a\x00b", "a\x00b")])
async def test_texts_that_no_service_takes_are_named(schema, argument, text, value):
    query = f"query ($text: String) {{ products({argument}: $text) {{ nodes {{ id }} }} }}"
    upstream = FakeUpstream()
    result = await execute(schema, query, upstream, variables={"text": text})
    [error] = result.errors
    assert isinstance(error.original_error, BffError)
    assert (error.original_error.code, error.original_error.details) == (
        "BAD_USER_INPUT",
        {"argument": argument, "value": value},
    )
    assert upstream.calls == []


async def test_null_as_size_is_the_default(schema):
    result = await data(
        schema, "{ products(first: null) { nodes { id } } dashboard { recentOrders(first: null) { id } } }"
    )
    assert len(result["products"]["nodes"]) == 20
    assert len(result["dashboard"]["recentOrders"]) == 10


async def test_an_anonymous_viewer_who_selects_orders_must_sign_in(schema):
    upstream = FakeUpstream()
    result = await execute(
        schema, '{ orders { nodes { id } } order(id: "ord_00001") { id } }', upstream, viewer=ANONYMOUS
    )
    assert result.data == {"orders": None, "order": None}
    assert [code_of(error) for error in result.errors] == ["UNAUTHENTICATED"] * 2
    assert upstream.calls == []
