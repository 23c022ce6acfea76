"""`matapalo.toml` is read, and what is wrong with it is one line: file, line, key, value and the remedy."""

from pathlib import Path

import pytest

from matapalo.project.location import ProjectError, find
from matapalo.project.reader import load
from tests.harness.shop import SHOP, copy_of_the_shop


def test_the_shop_declares_what_the_platform_starts() -> None:
    assert list(SHOP.clients) == ["web", "mobile", "iot"]
    assert SHOP.clients["web"].manifest == SHOP.root / "schema/operations/web.manifest.json"
    assert str(SHOP.services["orders"].address) == "127.0.0.1:9002"
    assert SHOP.worker is not None
    assert SHOP.worker.search_attributes == {"OrderStatus": "Keyword", "CustomerId": "Keyword"}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'trust = "open"',
            'trust = "opne"',
            "clients.web.trust is 'opne': use one of 'open', 'safelist' or 'ids-only'",
        ),
        ('trust = "open"', 'thrust = "open"', "clients.web.thrust is not a setting: did you mean trust?"),
        ("port = 8002", "port = 8001", "clients.mobile.port is 8001: clients.web.port has this port already"),
        ("port = 8002", "port = 80020", "clients.mobile.port is 80020: Input should be less than or equal to 65535"),
        ('monolith = "legacy"', 'monolith = "lgacy"', "strangler.monolith is 'lgacy': name one of legacy, customers"),
        ("[clients.iot]", "[clients.api]", "clients.api is 'api': the name is taken"),
        ("127.0.0.1:9002", "127.0.0.1:9002/api", "services.orders.url is 'http://127.0.0.1:9002/api': give an address"),
        ('process = "subgraphs"', 'process = "subgraph"', "is 'subgraph': name one of migrate, subgraphs"),
        ('"bff.web.schema:build_schema"', '"bff.web.schema"', "clients.web.schema is 'bff.web.schema': it must match"),
        (
            "http://127.0.0.1:9002",
            "${NOWHERE_URL}",
            "services.orders.url is '${NOWHERE_URL}', and NOWHERE_URL is not set",
        ),
        ("[worker]", "[workers]", "workers is not a setting: did you mean worker?"),
    ],
)
def test_a_problem_names_line_key_value_and_remedy(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    file = copy_of_the_shop(tmp_path, **{old: new})
    lines = [number for number, text in enumerate(file.read_text().splitlines(), 1) if new in text]
    with pytest.raises(ProjectError) as caught:
        load(file)
    message = str(caught.value)
    assert sentence in message
    assert {message.partition(" ")[0]} <= {f"matapalo.toml:{line}:" for line in lines}


def test_two_problems_are_two_lines(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        load(copy_of_the_shop(tmp_path, **{'trust = "open"': 'trust = "x"', "port = 8002": "port = 0"}))
    assert len(str(caught.value).splitlines()) == 2


def test_what_is_not_toml_is_said_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"matapalo.toml: .*line 3"):
        load(copy_of_the_shop(tmp_path, **{"[project]": "[project"}))


def test_a_variable_is_expanded_or_has_its_default(tmp_path: Path) -> None:
    file = copy_of_the_shop(tmp_path, **{"http://127.0.0.1:9002": "${ORDERS_URL:-http://127.0.0.1:9102}"})
    assert load(file).services["orders"].address.port == 9102
    assert load(file, {"ORDERS_URL": "http://orders:80"}).services["orders"].address.host == "orders"


def test_the_file_is_found_from_below_and_by_its_variable(tmp_path: Path) -> None:
    file = copy_of_the_shop(tmp_path)
    (tmp_path / "bff" / "web").mkdir(parents=True)
    assert find(tmp_path / "bff" / "web", {}) == file
    assert find(Path("/"), {"MATAPALO_PROJECT": str(file)}) == file


def test_outside_of_a_project_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=f"no matapalo.toml in {tmp_path} or a folder above it: go to the folder"):
        find(tmp_path, {})
