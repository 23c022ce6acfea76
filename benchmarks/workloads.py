"""The requests: four operations, each as the HTTP request that its client would send.

The two big ones are the committed operations of `schema/operations`; the mobile one travels as its hash alone.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

OPERATIONS = Path(__file__).parents[1] / "schema" / "operations"
MANIFEST = OPERATIONS / "mobile.manifest.json"

Client = Literal["web", "mobile"]
Who = Literal["customer", "operator"]

HUNDRED_ORDERS = "{ orders(first: 100) { nodes { id total { formatted } customer { id name email } } } }"


@dataclass(frozen=True, slots=True)
class Workload:
    """One operation, the client whose schema has it, and the caller. ``params`` reads files, so it is called late."""

    title: str
    client: Client
    who: Who
    params: Callable[[], dict[str, object]]

    @property
    def path(self) -> str:
        """Where the edge takes it."""
        return f"/{self.client}/graphql"

    def body(self) -> bytes:
        return json.dumps(self.params()).encode()


def text_of(client: Client, name: str) -> str:
    """The text of a committed operation."""
    return (OPERATIONS / client / f"{name}.graphql").read_text()


def hash_of(name: str) -> str:
    """The hash by which the manifest knows a mobile operation."""
    manifest = json.loads(MANIFEST.read_text())
    (operation_id,) = (operation["id"] for operation in manifest["operations"] if operation["name"] == name)
    return str(operation_id)


def _dashboard() -> dict[str, object]:
    return {"query": text_of("web", "Dashboard")}


def _home() -> dict[str, object]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_of("Home")}}}


WORKLOADS: dict[str, Workload] = {
    "dashboard": Workload("web Dashboard, free text", "web", "customer", _dashboard),
    "home": Workload("mobile Home, by its hash", "mobile", "customer", _home),
    "typename": Workload("{ __typename }", "web", "customer", lambda: {"query": "{ __typename }"}),
    "orders": Workload("100 orders with their customers", "web", "operator", lambda: {"query": HUNDRED_ORDERS}),
}
