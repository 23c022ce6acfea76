"""The GraphiQL page as HTML and headers, and the responses for its files. What a browser makes of them: tests/stack."""

import re

import pytest

from matapalo.graphql.graphiql.build import DIST, read_record
from matapalo.graphql.graphiql_page import GraphiQLPage, HttpResponse


def page(path: str = "/graphql", *, client: str = "web", default_query: str = "{ me { name } }") -> HttpResponse:
    return GraphiQLPage(client, default_query).render(path)


def file(name: str, if_none_match: str | None = None) -> HttpResponse:
    return GraphiQLPage("web", "").file(name, if_none_match)


def header(response: HttpResponse, name: str) -> str | None:
    return dict(response.headers).get(name.encode(), b"").decode() or None


def nonce_of(response: HttpResponse) -> str:
    nonce: str = re.findall('nonce="([^"]*)"', response.body.decode())[0]
    return nonce


def test_the_policy_allows_this_origin_and_styles_with_the_nonce():
    response = page()
    assert header(response, "content-security-policy") == (
        f"default-src 'none'; script-src 'self'; style-src-elem 'self' 'nonce-{nonce_of(response)}'; "
        "style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def test_every_page_has_a_nonce_of_its_own_and_is_never_stored():
    assert len({nonce_of(page()) for _ in range(5)}) == 5
    assert header(page(), "cache-control") == "no-store"


def test_caches_are_told_that_the_address_also_serves_graphql():
    assert header(page(), "vary") == "accept"


@pytest.mark.parametrize("client", ["web", "mobile"])
def test_the_title_names_the_client(client):
    assert f"<title>Matapalo · {client}</title>" in page(client=client).body.decode()


@pytest.mark.parametrize(
    ("endpoint", "script"),
    [("/graphql", "graphql/graphiql/graphiql.js"), ("/graphql/", "graphiql/graphiql.js")],
)
def test_files_are_found_relative_to_wherever_the_page_is(endpoint, script):
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page(endpoint).body.decode())

    assert script in addresses
    assert [address for address in addresses if address.startswith(("/", "http"))] == []


def test_the_default_query_reaches_the_page_as_text():
    body = page(default_query='query { product(search: "</script><b>&") { id } }').body.decode()

    assert 'data-query="query { product(search: &quot;&lt;/script&gt;&lt;b&gt;&amp;&quot;) { id } }"' in body


def test_every_file_of_the_page_exists():
    names = re.findall(r'"graphql/graphiql/([^"]*)"', page().body.decode())

    assert [file(name).status for name in names] == [200, 200]


@pytest.mark.parametrize("name", sorted(read_record()["built"]))
def test_every_built_file_is_served_as_it_is_on_disk(name):
    response = file(name)

    assert (response.status, response.body) == (200, (DIST / name).read_bytes())
    assert header(response, "x-content-type-options") == "nosniff"
    assert header(response, "cache-control") == "no-cache"


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("graphiql.js", "text/javascript; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("codicon.ttf", "font/ttf"),
    ],
)
def test_a_file_has_the_media_type_that_browsers_insist_on(name, media_type):
    assert header(file(name), "content-type") == media_type


@pytest.mark.parametrize("if_none_match", ["{tag}", "W/{tag}", '"other", {tag}', "*"])
def test_a_file_the_browser_already_has_is_not_sent_again(if_none_match):
    tag = header(file("graphiql.js"), "etag")

    response = file("graphiql.js", if_none_match.format(tag=tag))

    assert (response.status, response.body) == (304, b"")
    assert header(response, "etag") == tag


def test_an_older_copy_is_replaced():
    assert file("graphiql.js", '"of an older build"').status == 200


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "BUILD.json",
        "../build.py",
        "../../graphiql_page.py",
        "/etc/passwd",
        "graphiql.js/",
        "%2e%2e/build.py",
    ],
)
def test_nothing_but_a_built_file_can_be_asked_for(name):
    assert file(name).status == 404
