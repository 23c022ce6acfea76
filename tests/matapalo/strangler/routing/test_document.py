"""Reading a table of routes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matapalo.strangler.errors import InvalidRoutes, RouteNotFound
from matapalo.strangler.routing.document import parse_json, parse_toml, render_json, render_toml
from matapalo.strangler.routing.route import Audience, Match, Route, Side
from tests.matapalo.strangler.builders import a_document, a_route


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


def lines_of(text: str) -> list[str]:
    """Without comments and empty lines."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_repository_s_table_is_printed_as_it_is_written() -> None:
    written = Path("gateway/routes.toml").read_text(encoding="utf-8")
    printed = render_toml(parse_toml(written, origin="routes.toml"))
    assert lines_of(printed) == lines_of(written)


words = st.text("abcdefghijklmnopqrstuvwxyzABCDEFXYZ0123456789_-", min_size=1, max_size=12)
matches = st.lists(st.builds(Match, value=words, side=st.sampled_from(Side)), max_size=3).map(tuple)
routes = st.builds(
    a_route,
    name=st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=8).map(lambda text: f"a{text}"),
    share_bp=st.integers(0, 10_000),
    seed=st.integers(0, 2**32 - 1),
    writes=st.none() | st.sampled_from(Side),
    audience=st.sampled_from(Audience),
    canary=matches,
    cohorts=matches,
    users=st.lists(words, max_size=5).map(tuple),
    timeout_ms=st.integers(50, 60_000),
    retries=st.integers(0, 3),
    fallback=st.booleans(),
    shadow_bp=st.integers(0, 10_000),
    retired=st.booleans(),
)


@given(st.lists(routes, max_size=3, unique_by=lambda route: route.name))
def test_what_is_printed_is_read_back_as_the_same(table: list[Route]) -> None:
    assert parse_toml(render_toml(table), origin="printed") == tuple(table)


def test_a_document_knows_when_each_route_was_changed() -> None:
    document = a_document(7, a_route(), a_route("customers", seed=3)).with_route(a_route(share_bp=1))
    assert (document.version, document.revision("orders"), document.revision("customers")) == (8, 8, 1)
    assert parse_json(render_json(document)) == document


@pytest.mark.parametrize("named", ["orders", "/api/orders", "/api/orders/1?x=2", "/api/orders?x"])
def test_a_route_is_found_by_its_name_or_a_path(named: str) -> None:
    assert a_document().route(named) == a_route()
