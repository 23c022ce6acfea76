"""`schema/web.subgraph.graphql` composes, alone and with a subgraph that extends its entities.

Composition exists for Node only (`@theguild/federation-composition`): the tests carry the mark ``node``, install the
pinned project of `tests/contract/federation` into a temporary folder, and say so when Node is missing.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.asking import SCHEMA_DIR

pytestmark = pytest.mark.node

PROJECT = Path(__file__).parent / "federation"
REVIEWS = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key"])
type Query { newestReviews: [Review!]! }
type Review @key(fields: "id") { id: ID! stars: Int! product: Product! author: Customer! }
type Product @key(fields: "id") { id: ID! reviews: [Review!]! }
type Customer @key(fields: "id", resolvable: false) { id: ID! }
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the composition library installed."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.fail(
            "Composing the subgraph needs node and npm on PATH (Node 20 or newer): install them, "
            "or leave these tests out with `pytest -m 'not node'`.",
            pytrace=False,
        )
    folder = tmp_path_factory.mktemp("composition")
    for name in ("package.json", "package-lock.json", "compose.js"):
        shutil.copy(PROJECT / name, folder)
    installed = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert installed.returncode == 0, installed.stderr
    return folder


def compose(workshop: Path, **subgraphs: Path) -> Any:
    """``{"errors": [...], "supergraph": SDL or None}``."""
    arguments = [f"{name}={path}" for name, path in subgraphs.items()]
    done = subprocess.run(
        ["node", "compose.js", *arguments], cwd=workshop, capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


def test_the_web_subgraph_composes_alone(workshop):
    composed = compose(workshop, web=SCHEMA_DIR / "web.subgraph.graphql")
    assert composed["errors"] == []
    assert "dashboard: Dashboard!" in composed["supergraph"]


def test_another_subgraph_extends_its_entities(workshop):
    reviews = workshop / "reviews.graphql"
    reviews.write_text(REVIEWS)
    composed = compose(workshop, web=SCHEMA_DIR / "web.subgraph.graphql", reviews=reviews)
    assert composed["errors"] == []
    assert 'type Product @join__type(graph: REVIEWS, key: "id")' in " ".join(composed["supergraph"].split())


def test_a_subgraph_that_does_not_fit_is_refused(workshop):
    wrong = workshop / "wrong.graphql"
    wrong.write_text(REVIEWS.replace("type Product @key", "type Dashboard { nope: Int! } type Product @key"))
    wrong.write_text(wrong.read_text().replace("reviews: [Review!]!", "reviews: [Review!]! name: Int!"))
    assert compose(workshop, web=SCHEMA_DIR / "web.subgraph.graphql", wrong=wrong)["errors"] != []
