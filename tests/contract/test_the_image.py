"""The Dockerfile copies what matapalo.toml refers to, and installs what the lock holds for running it."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from matapalo.launcher.processes import table
from tests.harness.shop import SHOP

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
BUILD, RUN = DOCKERFILE.split("\nFROM ")[-2:]


def copied(stage: str) -> set[str]:
    """First words of COPY: files and folders of the repository."""
    return {word for line in re.findall(r"^COPY (.+) \S+$", stage, re.MULTILINE) for word in line.split()}


def referred() -> Iterator[Path]:
    """Every file and folder that the project names."""
    yield SHOP.file
    for client in SHOP.clients.values():
        yield from (client.operations, client.manifest, *([client.tiers] if client.tiers else []))
    yield from (service.openapi for service in SHOP.services.values() if service.openapi)
    yield from (SHOP.project.schema_folder, SHOP.strangler.routes)
    yield from (file for file in (SHOP.project.traffic, SHOP.strangler.compare) if file)
    references = [reference for client in SHOP.clients.values() for reference in (client.schema_, client.context)]
    references += [*SHOP.project.commands, *(SHOP.worker.register_ if SHOP.worker else ())]
    yield from (SHOP.root / reference.partition(".")[0] for reference in references if reference)
    for process in table(SHOP):
        yield from (source for source in process.sources if source.is_relative_to(SHOP.root))


def closure(names: list[str]) -> Iterator[str]:
    """The distributions that these requirements bring, by what is installed here."""
    pending, visited = [Requirement(name) for name in names], set()
    while pending:
        requirement = pending.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in visited:
            continue
        visited.add(key)
        yield key[0]
        for line in requires(requirement.name) or ():
            need = Requirement(line)
            extras = ("", *requirement.extras)
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras):
                pending.append(need)


def test_what_the_project_refers_to_is_in_the_image() -> None:
    platform = ROOT / "matapalo"
    tops = {path.relative_to(ROOT).parts[0] for path in referred() if not path.is_relative_to(platform)}
    assert tops == copied(RUN)
    assert "matapalo" in copied(BUILD)


def test_what_is_copied_enters_the_build_and_nothing_else() -> None:
    assert IGNORED[1] == "*"
    assert {line[1:] for line in IGNORED if line.startswith("!")} == copied(BUILD) | copied(RUN)


def test_the_image_installs_hashed_run_time_packages() -> None:
    """From files whose hashes the first stage checked, and by the wheel's requirements: no development group."""
    download, wheel = re.findall(r"pip (?:download|wheel).+", BUILD)
    assert download.split()[-5:] == ["--require-hashes", "--requirement", "requirements.lock", "--dest", "/wheels"]
    assert "--no-index --find-links /wheels --no-deps" in wheel
    (install,) = re.findall(r"pip install.+", RUN)
    assert "--no-index --find-links /wheels" in install
    assert install.split()[-3:] == ["matapalo", "--group", "/build/pyproject.toml:shop"]


@pytest.mark.parametrize("requirements", ["dependencies", "shop"])
def test_the_lock_holds_what_the_image_installs(requirements: str) -> None:
    names = PYPROJECT["dependency-groups"].get(requirements) or PYPROJECT["project"][requirements]
    hashed = re.findall(r"^([\w.-]+)==\S+.*\\\n    --hash=sha256:", LOCK, re.MULTILINE)
    assert set(closure(names)) <= {canonicalize_name(name) for name in hashed}


def test_the_engines_stay_out_of_the_image() -> None:
    everything = {*closure(PYPROJECT["project"]["dependencies"]), *closure(PYPROJECT["dependency-groups"]["shop"])}
    engines = {Requirement(line).name for line in PYPROJECT["project"]["optional-dependencies"]["engines"]}
    tools = {"pytest", "ruff", "mypy", "playwright", "hypothesis", "fakeredis"}
    assert not everything & (engines | tools)


def test_the_image_runs_without_rights() -> None:
    user = re.findall(r"^USER (\w+)$", RUN, re.MULTILINE)
    assert user == ["matapalo"]
    assert "--uid 10001" in RUN
