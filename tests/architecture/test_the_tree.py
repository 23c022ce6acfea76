"""The layout of DESIGN: what every module, package and folder keeps."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("matapalo", "bff", "subgraphs", "benchmarks", "tests")
LONGEST_FILE = 500
#: Loads its names when they are asked for (tests/matapalo/test_public_names.py).
PUBLIC = ROOT / "matapalo" / "__init__.py"


def modules(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=named)
def test_every_module_opens_with_a_docstring(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{named(path)}: say what it is for in its first line"


@pytest.mark.parametrize("path", [p for p in modules(*PACKAGES) if p.name == "__init__.py" and p != PUBLIC], ids=named)
def test_a_package_documents_and_never_works(path: Path) -> None:
    # An import here is paid by every workflow instance below it, and by every importer of one sibling.
    body = ast.parse(path.read_text()).body
    assert len(body) == 1, f"{named(path)}: a docstring and nothing else"
    assert isinstance(body[0], ast.Expr)


def test_every_folder_with_tests_is_a_package() -> None:
    # Without it `tests/bff` shadows `bff`.
    folders = {path.parent for path in modules("tests")}
    assert [named(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=named)
def test_a_file_tells_one_story(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= LONGEST_FILE, f"{named(path)} has {lines} lines: there is a second story inside"


def test_schema_holds_no_python() -> None:
    # The repository root is on the path of an editable install: a module here would be importable as `schema`.
    assert [named(path) for path in (ROOT / "schema").rglob("*.py")] == []


def test_the_lock_names_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "--index" not in lock


def test_every_locked_requirement_has_hashes() -> None:
    requirements = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line]
    assert requirements
    assert [line for line in requirements if not line.endswith("\\")] == []


def defines_a_function(path: Path) -> bool:
    nodes = ast.walk(ast.parse(path.read_text()))
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in nodes)


@pytest.mark.parametrize(("package", "least"), [("matapalo", 0.64), ("bff", 0.32)])
def test_tests_mirror_modules(package: str, least: float) -> None:
    # A ratchet: raise it when the share rises, never lower it. The goal is 70 %.
    with_behaviour = [path for path in modules(package) if path.name != "__init__.py" and defines_a_function(path)]
    without = [
        named(path)
        for path in with_behaviour
        if not (ROOT / "tests" / path.relative_to(ROOT)).with_name(f"test_{path.name}").exists()
    ]
    share = 1 - len(without) / len(with_behaviour)
    assert share >= least, "\n".join(
        [f"{share:.2%} of {package} have a test of their name; these have none:", *without]
    )
