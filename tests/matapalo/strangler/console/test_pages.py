"""What the pages show, over plain HTTP: no script is run here, so this is also the console without scripts."""

import re
from html.parser import HTMLParser

import httpx
import pytest

from matapalo.strangler.console.rendering import POLICY
from tests.matapalo.strangler.console.harness import quiet_console, sign_in
from tests.matapalo.strangler.harness import Harness

PAGES = ("/console", "/console/routes/orders", "/console/rollouts", "/console/history", "/console/decommission")
EVERY_PAGE = pytest.mark.parametrize("path", PAGES)
VOID = {"meta", "link", "input", "br"}


class Structure(HTMLParser):
    """What is in a page, and whether everything is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def text_of(response: httpx.Response) -> str:
    """The page's words, without tags and with single spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.text).replace("\u202f", " ").replace("&gt;", ">").split())


@EVERY_PAGE
async def test_a_page_is_well_formed_and_brings_nothing_inline(operator: httpx.AsyncClient, path: str) -> None:
    response = await operator.get(path)
    assert response.status_code == 200
    structure = Structure(response.text)
    assert structure.open == []
    assert structure.tags.count("h1") == 1
    assert len(structure.ids) == len(set(structure.ids))
    assert "style" not in structure.attributes | set(structure.tags)
    assert not [name for name in structure.attributes if name.startswith("on")]
    assert re.findall(r"<script(?![^>]*\bsrc=\")", response.text) == []
    assert re.findall(r'(?:src|href|action)="(?!/console|#)', response.text) == []


@EVERY_PAGE
async def test_a_page_is_sent_with_the_strict_policy_and_is_not_cached(operator: httpx.AsyncClient, path: str) -> None:
    headers = (await operator.get(path)).headers
    assert headers["content-security-policy"] == POLICY
    assert "'unsafe" not in POLICY
    assert "trusted-types 'none'" in POLICY
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")
    # "no-referrer" would make the browser send `Origin: null` with our own forms.
    assert headers["referrer-policy"] == "same-origin"


@EVERY_PAGE
async def test_without_a_session_a_page_leads_to_the_login_and_back(visitor: httpx.AsyncClient, path: str) -> None:
    response = await visitor.get(f"{path}?minutes=60")
    assert response.status_code == 303
    assert response.headers["location"] == f"/console/login?next={path}%3Fminutes%3D60"


async def test_the_table_shows_split_load_latency_errors_and_verdict(operator: httpx.AsyncClient) -> None:
    text = text_of(await operator.get("/console"))
    assert "3 routes 1 all on new 1 rolling out 0 held 0 failing" in text
    assert "/api/orders legacy → orders 25 % 33.4 179 → 42 0.40 % → 0 % 96.7 % Ⅱ HOLD ▶ running" in text
    assert "/api/products legacy → products 0 % — — → — — → — — no traffic —" in text
    assert "live on 1 of 1 nodes" in text


async def test_a_route_shows_everything_there_is_to_know_of_it(operator: httpx.AsyncClient) -> None:
    text = text_of(await operator.get("/console/routes/orders"))
    for words in (
        "writes go to legacy", "10 % of GETs compared",
        "errors new failed 0 of 5063 (0.00%), legacy 61 of 15311 (0.40%)",
        "25 % for 4 days 01 Mar 11:25 ✓ PASS current",
        "Advance to 50 %", "Roll back to 0 %",
        "$.items[*].total.amount_minor ✗ differs", "48 of 1 500 differ", "$.generated_at noise",
        "share 5 % → 25 % step 3 of the plan", "Roll back to 5 %", "Restore 1 %, as at version 2",
        "Ⅱ NOT READY", "pos 3.1.0 pos/3.1 (kiosk) 1 204",
        "Show as a table",
    ):  # fmt: skip
        assert words in text, words
    assert "Remove the legacy branch" not in text


async def test_a_sample_pair_marks_the_lines_that_differ(operator: httpx.AsyncClient) -> None:
    marked = re.findall(r"<mark>(.*?)</mark>", (await operator.get("/console/routes/orders")).text)
    assert marked[:3] == ["    &#34;amount_minor&#34;: 4200,", "    &#34;amount_minor&#34;: 4201,", "  &#34;channel&#34;: &#34;web&#34;"]  # fmt: skip  # noqa: E501


async def test_the_legacy_branch_can_be_removed_when_it_is_dead(operator: httpx.AsyncClient) -> None:
    text = text_of(await operator.get("/console/routes/customers"))
    assert "✓ READY" in text
    assert "Remove the legacy branch of /api/customers" in text


async def test_what_is_empty_says_why_and_how_to_change_that() -> None:
    harness = quiet_console()
    async with harness.browser() as http:
        await sign_in(http)
        pages = {path: text_of(await http.get(path)) for path in (*PAGES, "/console/routes/products")}
    assert "No plan has been started. matapalo rollout start" in pages["/console/rollouts"]
    assert "Nothing has been changed yet. matapalo routes set" in pages["/console/history"]
    assert "matapalo traffic --rps 20" in pages["/console/routes/products"]
    assert "matapalo routes set /api/products --shadow 10" in pages["/console/routes/products"]


async def test_without_the_store_the_pages_say_so_and_a_route_is_503(harness: Harness) -> None:
    async with harness.browser() as http:
        await sign_in(http)
        harness.store.is_down = True
        for path in PAGES:
            response = await http.get(path)
            assert "Redis does not answer: it is down" in response.text, path
            assert response.status_code == (503 if path == "/console/routes/orders" else 200)


async def test_an_unknown_route_is_a_page_that_names_those_that_exist(operator: httpx.AsyncClient) -> None:
    response = await operator.get("/console/routes/odrers")
    assert response.status_code == 404
    assert "the routes are customers, orders, products" in response.text


async def test_what_the_outside_wrote_is_shown_as_text(harness: Harness) -> None:
    await harness.services.changes.set_route(
        "orders", {"share_bp": 3_000}, by="<i>ops</i>", why="<script>alert(1)</script>"
    )
    async with harness.browser() as http:
        await sign_in(http)
        text = (await http.get("/console/history")).text
    assert "<script>alert" not in text
    assert "<i>ops" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize(("cookie", "theme"), [("dark", ' data-theme="dark"'), ('"><script>', "")])
async def test_the_theme_is_kept_and_is_one_of_two(operator: httpx.AsyncClient, cookie: str, theme: str) -> None:
    operator.cookies.set("matapalo_console_theme", cookie)
    assert f'<html lang="en"{theme}>' in (await operator.get("/console")).text
