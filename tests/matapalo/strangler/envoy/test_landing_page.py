"""The page at `/`."""

import hashlib
import re
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

from matapalo.strangler.envoy.landing_page import MAX_PAGE_BYTES, route
from matapalo.strangler.routing.route import Audience
from matapalo.strangler.settings import Settings
from tests.matapalo.strangler.builders import a_route, settings_in

ROUTES = (a_route("orders"), a_route("products", audience=Audience.PUBLIC))


def html(settings: Settings) -> str:
    return str(route(settings, ROUTES)["direct_response"]["body"]["inline_string"])


def header(settings: Settings, name: str) -> str:
    headers = [option["header"] for option in route(settings, ROUTES)["response_headers_to_add"]]
    return str({header["key"]: header["value"] for header in headers}[name])


def links(text: str) -> list[str]:
    return re.findall(r'<a href="([^"]+)"', text)


def test_in_development_it_links_to_every_shifted_port(tmp_path: Path) -> None:
    urls = links(html(settings_in(tmp_path, edge_port=8280, agent_port=8212, internal_port=8281)))
    assert urls[:5] == ["/web/graphql", "/mobile/graphql", "/iot/graphql", "/api/products", "/console"]
    ports = {int(match) for match in re.findall(r"127\.0\.0\.1:(\d+)", html(settings_in(tmp_path)))}
    expected = {8001, 8002, 8003, 8010, 8012, 8021, 8081, 8233, 7233, 6390, 5439, *range(9000, 9008)}
    assert ports == expected
    assert "http://127.0.0.1:8433/" in urls
    assert "http://127.0.0.1:8212/readyz" in urls


def test_in_production_it_names_no_addresses(tmp_path: Path) -> None:
    text = html(settings_in(tmp_path, environment="production", jwt_issuer="https://id.example"))
    assert len(links(text)) == 5
    assert "127.0.0.1" not in text


def test_its_policy_allows_its_own_style_and_nothing_else(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    (style,) = re.findall(r"<style>(.*)</style>", html(settings), re.DOTALL)
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in header(settings, "content-security-policy")
    assert not re.search(r"<script|style=|src=|@import|url\(", html(settings))


def test_it_fits_into_a_response_and_closes_its_tags(tmp_path: Path) -> None:
    text = html(settings_in(tmp_path))
    assert len(text.encode()) < MAX_PAGE_BYTES
    opened: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in {"meta", "link"}:
                opened.append(tag)

        def handle_startendtag(self, tag: str, attrs: object) -> None:
            return

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

    Tags().feed(text)
    assert opened == []
