"""What README and docs say is true: paths and links exist, and the tables they show can be declared."""

import re
from pathlib import Path

import pytest
import typer

from matapalo.cli import main
from matapalo.cli.project import commands_of_the_project
from matapalo.project.declaration import Client, Process, ProjectTable, Service, Strangler, Table, Worker
from matapalo.project.reader import load
from matapalo.settings import Settings
from matapalo.strangler.settings import Settings as StranglerSettings
from tests.harness.platform import ROOT

PAGES = [ROOT / "README.md", ROOT / "schema/README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PATH = re.compile(r"`((?:bff|gateway|subgraphs|schema|matapalo|tests|docs|benchmarks)/[\w./-]*)`")
COMMAND = re.compile(r"(?:^|[/$ ])matapalo ([a-z]+)(?: ([a-z]+))?", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)[)#]")
#: The README adds this client to show how; its folders are not there. A page writes NAME for any.
ADDED = "kiosk"
NOT_THERE = (ADDED, "NAME")
TABLES: dict[str, type[Table]] = {
    "[project]": ProjectTable,
    "[clients.NAME]": Client,
    "[services.NAME]": Service,
    "[processes.NAME]": Process,
    "[worker]": Worker,
    "[strangler]": Strangler,
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_and_link_of_a_page_exists(page: Path) -> None:
    text = page.read_text()
    paths = [path for path in PATH.findall(text) if not any(name in path for name in NOT_THERE)]
    missing = [path for path in paths if not (ROOT / path).exists()]
    missing += [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert missing == []


def commands() -> dict[str, set[str]]:
    """The sub-commands of `matapalo` by command; none for one that has none."""
    of_the_project = typer.Typer()
    for register in commands_of_the_project():
        register(of_the_project)
    groups = [typer.main.get_group(app) for app in (main.app, of_the_project)]
    return {name: set(getattr(command, "commands", ())) for group in groups for name, command in group.commands.items()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_exists(page: Path) -> None:
    subcommands = commands()
    for command, following in COMMAND.findall(code_of(page.read_text())):
        assert command in subcommands
        assert not subcommands[command] or following in {"", *subcommands[command]}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_setting_of_a_page_exists(page: Path) -> None:
    settings = {f"BFF_{name}".upper() for name in Settings.model_fields}
    settings |= {f"GATEWAY_{name}".upper() for name in StranglerSettings.model_fields}
    assert set(re.findall(r"\b(?:BFF|GATEWAY)_[A-Z_]+\b", page.read_text())) <= settings


def code_of(text: str) -> str:
    """What stands in code spans, indented and fenced blocks: prose says `matapalo` too."""
    fenced = re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```\w*\n.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))
    return "\n".join([*fenced, *spans, *re.findall(r"^    (.*)$", text, re.MULTILINE)])


def test_the_readme_fits_a_terminal() -> None:
    assert [line for line in PAGES[0].read_text().splitlines() if len(line) > 120] == []


def test_the_index_has_every_decision_by_its_title() -> None:
    folder = ROOT / "docs/decisions"
    rows = re.findall(r"^\| \[(\d{4})\]\((\1-.*)\) \| (.*) \|$", (folder / "README.md").read_text(), re.MULTILINE)
    pages = sorted(folder.glob("0*.md"))
    assert [(page.name[:4], page.name, page.read_text().splitlines()[0]) for page in pages] == [
        (number, name, f"# {title}") for number, name, title in rows
    ]
    assert len({page.name[:4] for page in pages}) == len(pages)


def test_the_tables_of_the_readme_can_be_declared(tmp_path: Path) -> None:
    tables = re.findall(r"^```toml\n(.*?)^```$", PAGES[0].read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "matapalo.toml").write_text("\n".join([(ROOT / "matapalo.toml").read_text(), *tables]))
    project = load(tmp_path / "matapalo.toml")
    assert ADDED in project.clients
    assert "reviews" in project.services


@pytest.mark.parametrize(("heading", "table"), TABLES.items())
def test_the_reference_has_every_key_of_a_table(heading: str, table: type[Table]) -> None:
    section = (ROOT / "docs/project.md").read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    keys = {field.alias or name for name, field in table.model_fields.items()}
    keys -= set() if table is ProjectTable else {"name"}
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == keys
