"""Workflow modules are loaded anew for every workflow instance: what they import is paid each time."""

import subprocess
import sys
import time

import pytest
from temporalio import workflow
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from bff.commerce.fulfilment.workflow import FulfilOrder
from bff.commerce.onboarding.workflow import OnboardCustomer
from matapalo.strangler.rollout.workflow import RolloutWorkflow

HEAVY = (
    *("fastapi", "starlette", "strawberry", "httpx", "redis", "pyreqwest", "pydantic", "msgspec", "cryptography"),
    *("matapalo.rest", "matapalo.settings", "matapalo.strangler.settings", "matapalo.strangler.store"),
)
MODULES = (
    "bff.commerce.fulfilment.workflow",
    "bff.commerce.onboarding.workflow",
    "matapalo.strangler.rollout.workflow",
)
LONGEST_PREPARATION_S = 0.05


@pytest.mark.parametrize("module", MODULES)
def test_a_workflow_brings_no_client_library_nor_framework(module: str):
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.parametrize("defined", [FulfilOrder, OnboardCustomer, RolloutWorkflow])
async def test_the_sandbox_prepares_a_workflow_quickly(defined: type):
    # Measured: 2 ms. An `import fastapi` in a package above costs 200 ms, an `import httpx` breaks it.
    definition = workflow._Definition.must_from_class(defined)
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        SandboxedWorkflowRunner().prepare_workflow(definition)
        took.append(time.perf_counter() - begun)
    assert min(took) < LONGEST_PREPARATION_S
