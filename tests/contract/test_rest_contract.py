"""Both sides of every route, the service and the monolith, keep the committed OpenAPI contract.

Schemathesis generates requests from the contract, valid and invalid, with the edges of every parameter, and checks
status, headers, media type and body of the responses. Bounded and derandomised: this is a contract test, not a hunt.
"""

from typing import Any

import orjson
import pytest
import schemathesis
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from subgraphs.contracts import RESOURCES, path_of
from tests.harness.subgraphs import Rest

pytestmark = pytest.mark.stack

OPERATOR = {"x-role": "operator", "x-user-id": "cust_0001"}


def whole_contract() -> dict[str, Any]:
    """The contracts of all resources as one document: what the monolith serves."""
    whole: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "Matapalo REST", "version": "1"}, "paths": {}}
    for resource in RESOURCES:
        document = orjson.loads(path_of(resource).read_bytes())
        whole["paths"] |= document["paths"]
        for kind, named in document["components"].items():
            merged = whole.setdefault("components", {}).setdefault(kind, {})
            for name, definition in named.items():
                assert merged.setdefault(name, definition) == definition, f"{name} means two things"
    return whole


contract = schemathesis.openapi.from_dict(
    whole_contract(),
    config=schemathesis.Config.from_dict(
        {"generation": {"max-examples": 5, "deterministic": True}, "suppress-health-check": ["all"]}
    ),
)


def refused_for_what_no_schema_can_say(response: schemathesis.Response) -> bool:
    """Whether a well-formed request was refused because of what is, or is not, in the database."""
    if response.status_code == 402:
        return True
    if response.status_code != 422:
        return False
    problem = response.json()
    if problem["type"] == "/problems/idempotency-key-reused":
        return True
    reasons = ("there is no such", "the order is not theirs", "is not a cursor of this list")
    return all(error["message"].startswith(reasons) for error in problem["errors"])


@pytest.mark.parametrize("side", ["legacy", "new"])
@contract.parametrize()
def test_both_sides_keep_the_contract(case: schemathesis.Case[Any], side: str, rest: Rest) -> None:
    base_url = rest.urls[side if side == "legacy" else case.path.split("/")[2]]
    response = case.call(base_url=base_url, headers=OPERATOR)
    excluded = [ignored_auth]  # a role is believed here, not verified; test_rest_authorisation.py walks what it allows
    if refused_for_what_no_schema_can_say(response):
        excluded.append(positive_data_acceptance)
    case.validate_response(response, excluded_checks=excluded)
