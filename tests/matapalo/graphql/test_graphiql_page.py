"""The GraphiQL page as HTML and headers, and the answers for its files. What a browser makes of them: tests/stack."""

import re

import pytest

from matapalo.graphql.graphiql.build import DIST, read_record
from matapalo.graphql.page import Answer, Assets, render_page


def page(**changes):
    wanted = {"endpoint": "/graphql", "client": "web", "default_query": "{ me { name } }", "nonce": "n0nce"} | changes
    return render_page(**wanted)


def header(answer: Answer, name: str) -> str | None:
    return next((value.decode() for each, value in answer.headers if each == name.encode()), None)


def test_the_policy_allows_this_origin_and_style_elements_with_the_nonce_only():
    assert header(page(nonce="abc_-1"), "content-security-policy") == (
        "default-src 'none'; script-src 'self'; style-src-elem 'self' 'nonce-abc_-1'; "
        "style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def test_the_page_hands_its_nonce_to_the_script():
    assert 'nonce="n0nce"' in page().body.decode()


def test_the_page_is_never_stored_because_its_nonce_is_used_once():
    assert header(page(), "cache-control") == "no-store"


def test_caches_are_told_that_the_same_address_also_answers_graphql():
    assert header(page(), "vary") == "accept"


@pytest.mark.parametrize("client", ["web", "mobile"])
def test_the_title_names_the_client(client):
    assert f"<title>Matapalo · {client}</title>" in page(client=client).body.decode()


@pytest.mark.parametrize(
    ("endpoint", "script"),
    [("/graphql", "graphql/graphiql/graphiql.js"), ("/graphql/", "graphiql/graphiql.js")],
)
def test_files_are_found_relative_to_wherever_the_page_is(endpoint, script):
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page(endpoint=endpoint).body.decode())

    assert script in addresses
    assert [address for address in addresses if address.startswith(("/", "http"))] == []


def test_the_default_query_reaches_the_page_as_text_whatever_is_in_it():
    body = page(default_query='query { product(search: "</script><b>&") { id } }').body.decode()

    assert 'data-query="query { product(search: &quot;&lt;/script&gt;&lt;b&gt;&amp;&quot;) { id } }"' in body


def test_every_file_of_the_page_exists():
    names = re.findall(r'"graphql/graphiql/([^"]*)"', page().body.decode())

    assert [Assets().answer(name, None).status for name in names] == [200, 200]


@pytest.mark.parametrize("name", sorted(read_record()["built"]))
def test_every_built_file_is_served_as_it_is_on_disk(name):
    answer = Assets().answer(name, None)

    assert (answer.status, answer.body) == (200, (DIST / name).read_bytes())
    assert header(answer, "x-content-type-options") == "nosniff"
    assert header(answer, "cache-control") == "no-cache"


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("graphiql.js", "text/javascript; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("codicon.ttf", "font/ttf"),
    ],
)
def test_a_file_has_the_media_type_that_browsers_insist_on(name, media_type):
    assert header(Assets().answer(name, None), "content-type") == media_type


@pytest.mark.parametrize("known", ["{tag}", "W/{tag}", '"other", {tag}', "*"])
def test_a_file_the_browser_already_has_is_not_sent_again(known):
    assets = Assets()
    tag = header(assets.answer("graphiql.js", None), "etag")

    answer = assets.answer("graphiql.js", known.format(tag=tag))

    assert (answer.status, answer.body) == (304, b"")
    assert header(answer, "etag") == tag


def test_an_older_copy_is_replaced():
    assert Assets().answer("graphiql.js", '"of an older build"').status == 200


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "BUILD.json", "../build.py", "../../page.py", "/etc/passwd", "graphiql.js/", "%2e%2e/build.py"],
)
def test_nothing_but_a_built_file_can_be_asked_for(name):
    assert Assets().answer(name, None).status == 404
