"""What a project may use of the platform: a change of this list is a breaking change, and belongs into CHANGELOG."""

import ast
import subprocess
import sys
from pathlib import Path

import matapalo

PUBLIC = [
    "BadUserInput",
    "BffError",
    "Claim",
    "Clock",
    "CommandError",
    "Compensation",
    "Context",
    "ContextFactory",
    "Cost",
    "DATA_DIR",
    "DataDirOption",
    "Forbidden",
    "GraphQLRequest",
    "Idempotency",
    "IdempotencyKeyReused",
    "Idempotent",
    "IdempotentCall",
    "Inspector",
    "Listing",
    "Load",
    "Loads",
    "MAX_PAGE",
    "NotFound",
    "NotRunning",
    "OperationCharge",
    "Overloaded",
    "PendingActivity",
    "PolicyState",
    "Problem",
    "REJECTED",
    "RETRY_DEFAULT",
    "RETRY_FOREVER",
    "RETRY_NEVER",
    "Replay",
    "Resources",
    "RestClient",
    "RestPool",
    "RunningPlatform",
    "Saga",
    "Settings",
    "Start",
    "SubgraphSchema",
    "Unauthenticated",
    "UpdateRefused",
    "UpstreamError",
    "UpstreamRejected",
    "UpstreamUnavailable",
    "Viewer",
    "WorkflowEvent",
    "WorkflowState",
    "Workflows",
    "WorkflowsUnavailable",
    "claim_of",
    "create_worker",
    "idempotent_call",
    "prepare_schema",
    "projection",
    "rejections",
    "related",
    "replay_snapshot",
    "returns",
    "sized",
    "streams",
    "to_the_end",
    "workflow_id",
]


def test_the_public_names_are_these():
    assert sorted(matapalo.__all__) == PUBLIC


def test_every_public_name_exists():
    assert [name for name in PUBLIC if getattr(matapalo, name, None) is None] == []


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(matapalo.__file__).read_text())
    declared = [
        (alias.asname, node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("matapalo.")
        for alias in node.names
    ]
    assert sorted(str(name) for name, _, _ in declared) == PUBLIC
    for name, module, attribute in declared:
        assert getattr(matapalo, str(name)) is getattr(sys.modules[module], attribute), name


def test_importing_the_package_loads_nothing():
    code = "import sys, matapalo; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in loaded if name.startswith("matapalo.")] == [], "every workflow instance would pay for it"
