"""`matapalo/` names no client, service or route of the shop, nor its packages: any project could stand in its place."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from matapalo.project.reader import load

ROOT = Path(__file__).parents[2]
PROJECT = load(ROOT / "matapalo.toml")
#: A side of every route is called `legacy`, whatever the project calls its monolith.
NAMES = {PROJECT.name, *PROJECT.clients, *PROJECT.services, *PROJECT.processes} - {"legacy"}
NAME = re.compile(rf"(?<![A-Za-z])({'|'.join(sorted(NAMES))})(?![A-Za-z])", re.IGNORECASE)
#: A reference or a module path, not an attribute of a variable called `bff`.
MODULE = re.compile(r"""(?:["'`]|import |from )(bff|subgraphs)\.\w""")
#: Words of English and of other projects that happen to be names of the shop's.
OTHER_MEANINGS = re.compile(r"web UI|web.address|Federation subgraphs", re.IGNORECASE)
TEXTS = {".py", ".html", ".css", ".js", ".toml", ".lua", ".json"}
#: Taken over as published, or built from that.
THIRD_PARTY = ("graphiql/dist/", "graphiql/node_modules/", "graphiql/package-lock.json", "static/uplot/")


def files() -> Iterator[Path]:
    for path in sorted((ROOT / "matapalo").rglob("*")):
        if path.suffix in TEXTS and not any(part in path.as_posix() for part in THIRD_PARTY):
            yield path


def names_of_the_shop(text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), start=1):
        for match in (*NAME.finditer(OTHER_MEANINGS.sub("", line)), *MODULE.finditer(line)):
            yield f"{number}: {match[1]}: write a neutral example: NAME, things, /api/things"


def test_no_file_of_the_platform_names_the_shop() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}:{name}"
        for path in files()
        for name in names_of_the_shop(path.read_text(encoding="utf-8"))
    ]
    assert offenders == []


def test_there_are_names_and_files_to_check() -> None:
    assert {"web", "mobile", "orders", "subgraphs"} <= NAMES
    assert {".py", ".html", ".js", ".toml", ".lua"} <= {path.suffix for path in files()}


@pytest.mark.parametrize("text", ["/web/graphql", "load_orders", "bff-mobile", '"bff.web.schema:build_schema"'])
def test_a_name_is_recognised_inside_others(text: str) -> None:
    assert list(names_of_the_shop(text))


@pytest.mark.parametrize(
    "text", ["the web UI", "_is_web_address(url)", "bff.endpoint", "recommend", "reorders", "website"]
)
def test_other_words_are_none_of_the_shops(text: str) -> None:
    assert list(names_of_the_shop(text)) == []
