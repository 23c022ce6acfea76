"""`schema/web.subgraph.graphql` composes, alone and with a subgraph that extends its entities.

Composition exists for Node only (`@theguild/federation-composition`): the tests carry the mark ``node``, use the
pinned project of `tests/contract/federation`, and say so when Node is missing.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.harness.in_memory_bff import SCHEMA_DIR
from tests.harness.node import installed

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
def workshop() -> Path:
    """A folder with the composition library installed."""
    return installed(PROJECT, "Composing the subgraph")


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


def test_another_subgraph_extends_its_entities(workshop, tmp_path):
    reviews = tmp_path / "reviews.graphql"
    reviews.write_text(REVIEWS)
    composed = compose(workshop, web=SCHEMA_DIR / "web.subgraph.graphql", reviews=reviews)
    assert composed["errors"] == []
    assert 'type Product @join__type(graph: REVIEWS, key: "id")' in " ".join(composed["supergraph"].split())


def test_a_subgraph_that_does_not_fit_is_refused(workshop, tmp_path):
    wrong = tmp_path / "wrong.graphql"
    wrong.write_text(REVIEWS.replace("type Product @key", "type Dashboard { nope: Int! } type Product @key"))
    wrong.write_text(wrong.read_text().replace("reviews: [Review!]!", "reviews: [Review!]! name: Int!"))
    assert compose(workshop, web=SCHEMA_DIR / "web.subgraph.graphql", wrong=wrong)["errors"] != []
