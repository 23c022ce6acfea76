"""The console's own files."""

from hashlib import sha256

import httpx
import pytest

from matapalo.strangler.console.assets import STATIC, Assets

ASSETS = Assets()
FILES = ("console.css", "console.js", "icon.svg", "uplot/uPlot.iife.min.js", "uplot/uPlot.min.css")


def test_what_is_not_ours_is_as_published_and_has_its_licence() -> None:
    folder = STATIC / "uplot"
    lines = [line.split() for line in (folder / "SHA256SUMS").read_text().splitlines()]
    recorded = {name: digest for digest, name in lines}
    present = {
        path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.name != "SHA256SUMS"
    }
    assert present == recorded
    assert "The MIT License" in (folder / "LICENSE").read_text()
    assert b"v1.6.32" in (folder / "uPlot.iife.min.js").read_bytes()[:80]


def test_no_style_sheet_and_no_script_names_another_origin() -> None:
    for name in ("console.css", "console.js"):
        text = (STATIC / name).read_text().replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, name
        assert "@import" not in text
    for forbidden in ("innerHTML", "insertAdjacentHTML", "eval(", "localStorage"):
        assert forbidden not in (STATIC / "console.js").read_text()


def test_the_script_is_small() -> None:
    assert len((STATIC / "console.js").read_bytes()) < 20_000


@pytest.mark.parametrize("name", FILES)
async def test_a_file_with_its_version_is_kept_for_good(visitor: httpx.AsyncClient, name: str) -> None:
    response = await visitor.get(ASSETS.address(name))
    assert response.status_code == 200
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["content-encoding"] == "gzip"
    assert response.content == (STATIC / name).read_bytes()
    plain = await visitor.get(ASSETS.address(name), headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers


async def test_a_file_without_its_version_is_asked_for_again(visitor: httpx.AsyncClient) -> None:
    response = await visitor.get("/console/static/console.js?v=old")
    assert response.headers["cache-control"] == "no-cache"
    cached = {"if-none-match": response.headers["etag"]}
    assert (await visitor.get("/console/static/console.js", headers=cached)).status_code == 304


@pytest.mark.parametrize("name", ["uplot/LICENSE", "nothing.js", "../pages.py", "%2e%2e/pages.py"])
async def test_nothing_else_is_served(visitor: httpx.AsyncClient, name: str) -> None:
    assert (await visitor.get(f"/console/static/{name}")).status_code in (404, 303)
