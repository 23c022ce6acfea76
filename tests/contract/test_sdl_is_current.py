"""The committed SDL is what the code serves: a change of types is a readable diff."""

import re

import pytest
from graphql import build_schema as parse_sdl

from matapalo.app import build_schema
from matapalo.operations.sdl import render_sdl
from tests.harness.in_memory_bff import SCHEMA_DIR
from tests.harness.shop import SHOP

RENDERED = {
    file: text
    for client in SHOP.clients.values()
    for file, text in render_sdl(build_schema(SHOP, client), client.name).items()
}


@pytest.mark.parametrize("name", sorted(RENDERED))
def test_the_committed_file_is_current(name):
    assert (SCHEMA_DIR / name).read_text(encoding="utf-8") == RENDERED[name], (
        f"schema/{name} is stale: run `matapalo schema export` and commit the difference"
    )


def test_no_other_sdl_is_committed():
    assert sorted(path.name for path in SCHEMA_DIR.glob("*.graphql")) == sorted(RENDERED)


@pytest.mark.parametrize("name", [f"{client}.graphql" for client in SHOP.clients])
def test_every_type_field_and_enum_value_is_described(name):
    schema = parse_sdl(RENDERED[name])
    silent = [
        place
        for type_ in schema.type_map.values()
        if not type_.name.startswith("__") and type_.name not in {"String", "Int", "Float", "Boolean", "ID"}
        for place, description in [
            (type_.name, type_.description),
            *((f"{type_.name}.{n}", f.description) for n, f in getattr(type_, "fields", {}).items()),
            *((f"{type_.name}.{n}", v.description) for n, v in getattr(type_, "values", {}).items()),
        ]
        if not description
    ]
    assert silent == []


def test_clients_see_nothing_of_federation():
    assert re.search(r"_entities|_service|_Any|@key|@link|link__", RENDERED["web.graphql"]) is None
    assert 'type Order @key(fields: "id")' in RENDERED["web.subgraph.graphql"]


def test_a_field_that_costs_a_rest_call_of_its_own_is_nullable():
    web = parse_sdl(RENDERED["web.graphql"])
    assert str(web.type_map["Query"].fields["dashboard"].type) == "Dashboard!"  # type: ignore[attr-defined]
    own_call = {
        "Query": {"me", "order", "product", "orders", "products"},
        "Dashboard": {"customer", "recentOrders", "recommendations", "analytics"},
        "Customer": {"orders"},
        "Order": {"customer", "payment", "shipment", "trackingUrl", "fulfilment"},
        "OrderLine": {"product"},
        "Product": {"stock"},
    }
    for type_name, fields in own_call.items():
        for name in fields:
            assert not str(web.type_map[type_name].fields[name].type).endswith("!"), f"{type_name}.{name}"  # type: ignore[attr-defined]
