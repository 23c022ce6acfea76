"""Reading a table of routes."""

import pytest

from gateway.errors import InvalidRoutes, RouteNotFound
from gateway.routing.document import parse_json, parse_toml, render_json
from gateway.routing.route import Audience, Side
from tests.gateway.builders import a_document, a_route


def test_a_table_in_the_file_is_a_route():
    text = '[orders]\nprefix = "/api/orders"\nnew = "orders"\nshare_bp = 2500\nseed = 2\nwrites = "legacy"\n'
    assert parse_toml(text, origin="r.toml") == (a_route(share_bp=2_500, writes=Side.LEGACY),)


def test_who_may_use_a_forgetful_route_is_staff():
    assert a_route().audience is Audience.STAFF


def test_a_document_survives_its_json():
    document = a_document(7, a_route(writes=Side.NEW, audience=Audience.OWNER), a_route("customers", seed=9))
    assert parse_json(render_json(document)) == document


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '[orders]\nprefix = "/api/orders"\nnew = "orders"\nseed = 2\nshare = 25\n',
            "r.toml: route 'orders': Object contains unknown field `share`",
        ),
        (
            '[orders]\nprefix = "/api/orders"\nnew = "orders"\n',
            "r.toml: route 'orders': Object missing required field `seed`",
        ),
        (
            '[orders]\nprefix = "/api/orders"\nnew = "orders"\nseed = 2\nwrites = "both"\n',
            "r.toml: route 'orders': Invalid enum value 'both' - at `$.writes`",
        ),
        ("orders = 3\n", "r.toml: route 'orders': expected a table [orders], got 3"),
        ("[orders\n", "r.toml is no TOML: "),
    ],
)
def test_what_is_wrong_is_told_with_the_route_and_the_field(text, sentence):
    with pytest.raises(InvalidRoutes) as raised:
        parse_toml(text, origin="r.toml")
    (problem,) = raised.value.problems
    assert problem.startswith(sentence)


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b'{"version": 1}', b'{"version": "1", "routes": []}', b"\xff"])
def test_nonsense_is_no_document(data):
    with pytest.raises(InvalidRoutes, match="no routes document"):
        parse_json(data)


def test_an_unknown_route_is_told_with_those_that_exist():
    document = a_document(1, a_route(), a_route("customers"))
    assert document.route("orders") == a_route()
    with pytest.raises(RouteNotFound, match=r"no route 'odrers': the routes are orders, customers"):
        document.route("odrers")
