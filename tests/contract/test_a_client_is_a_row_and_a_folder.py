"""Another client of the shop is one row of matapalo.toml and one folder; nothing else knows of it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from matapalo.launcher.processes import table
from matapalo.project.reader import load
from tests.harness.shop import ROOT, SHOP

pytestmark = pytest.mark.stack

COPIED = ("matapalo.toml", "bff", "schema", "gateway")
ROW = """
[clients.kiosk]
schema = "bff.kiosk.schema:build_schema"
context = "bff.commerce.context:create_context"
trust = "ids-only"
port = 8004

# --- services:"""
SCHEMA = '''"""The kiosk schema: the shop's products on a screen in a station."""

import strawberry

from bff.commerce.graphql import Info
from bff.commerce.products.loaders import load_products
from bff.commerce.products.model import Product
from matapalo import prepare_schema, projection, returns


@projection(Product, name="Product", description="A product.")
class KioskProduct:
    id: strawberry.ID = strawberry.field(description="Stable identifier.")
    name: str = strawberry.field(description="What it is called.")


@strawberry.type(name="Query", description="Queries.")
class KioskQuery:
    @returns(KioskProduct | None, description="A product.")
    async def product(self, info: Info, id: strawberry.ID) -> Product | None:
        return await info.context.loads.one(load_products, id)


def build_schema() -> strawberry.Schema:
    schema = strawberry.Schema(query=KioskQuery)
    prepare_schema(schema)
    return schema
'''
OPERATION = "query Product($id: ID!) { product(id: $id) { name } }\n"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The shop without anything of the platform."""
    for name in COPIED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def matapalo(folder: Path, *words: str) -> str:
    code = "import sys; sys.path.insert(0, '.'); from matapalo.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_client_is_added_and_removed_without_another_edit(copy: Path) -> None:
    before = files(copy)
    declaration = copy / "matapalo.toml"
    declaration.write_text(declaration.read_text().replace("\n# --- services:", ROW, 1))
    for name, text in {
        "bff/kiosk/__init__.py": '"""The kiosk client."""\n',
        "bff/kiosk/schema.py": SCHEMA,
        "schema/operations/kiosk/Product.graphql": OPERATION,
    }.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(text)
    matapalo(copy, "operations", "build")
    matapalo(copy, "schema", "export")

    after = files(copy)
    assert {name for name in before if before[name] != after[name]} == {"matapalo.toml"}
    generated = {"schema/kiosk.graphql", "schema/operations/kiosk.manifest.json"}
    assert set(after) - set(before) == generated | {
        "bff/kiosk/__init__.py",
        "bff/kiosk/schema.py",
        "schema/operations/kiosk/Product.graphql",
    }
    assert [entry["name"] for entry in json.loads(after["schema/operations/kiosk.manifest.json"])["operations"]] == [
        "Product"
    ]
    assert "kiosk" in [row.name for row in table(load(declaration))]
    cost = matapalo(copy, "cost", "schema/operations/kiosk/Product.graphql", "--client", "kiosk")
    assert "product" in cost

    declaration.write_text(declaration.read_text().replace(ROW, "\n# --- services:", 1))
    for name in set(after) - set(before):
        (copy / name).unlink()
    assert files(copy) == before


@pytest.mark.parametrize("client", SHOP.clients)
def test_no_code_beside_its_folder_names_a_client(client: str) -> None:
    own = f"bff/{client}/"
    naming = [
        str(path.relative_to(ROOT))
        for folder in ("bff", "subgraphs")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(rf"^(from|import) bff\.{client}\b", path.read_text(), re.MULTILINE)
        and not str(path.relative_to(ROOT)).startswith(own)
    ]
    assert naming == []
