"""`benchmarks.workloads`: what travels is what the client would send."""

import json

import msgspec
import pytest

from benchmarks.contestants.handwritten.__main__ import Params
from benchmarks.contestants.handwritten.operations import operations
from benchmarks.workloads import WORKLOADS, text_of


def test_the_mobile_operation_travels_as_its_hash_alone() -> None:
    body = json.loads(WORKLOADS["home"].body())

    assert list(body) == ["extensions"]
    assert len(body["extensions"]["persistedQuery"]["sha256Hash"]) == 64


def test_the_dashboard_travels_as_the_committed_text() -> None:
    assert json.loads(WORKLOADS["dashboard"].body()) == {"query": text_of("web", "Dashboard")}


@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_handwritten_contestant_knows_every_workload(workload: str) -> None:
    workload_ = WORKLOADS[workload]

    assert msgspec.json.decode(workload_.body(), type=Params).operation() in operations(workload_.client)
