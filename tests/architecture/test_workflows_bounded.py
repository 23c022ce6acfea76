"""What every workflow keeps: bounded and retried activities, no failure swallowed, log calls that work."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNS_AN_ACTIVITY = ("execute_activity", "execute_local_activity", "start_activity", "start_local_activity")
LOG_ARGUMENTS = {"extra", "exc_info", "stack_info", "stacklevel"}


def workflow_files() -> list[Path]:
    modules = [path for package in ("matapalo", "bff") for path in (ROOT / package).rglob("*.py")]
    return sorted(path for path in modules if "from temporalio import workflow" in path.read_text())


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call of an attribute, with its dotted name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func), node


def test_there_are_workflows_to_check():
    assert {ROOT / "bff/commerce/fulfilment/workflow.py", ROOT / "matapalo/strangler/rollout/workflow.py"} <= {
        *workflow_files()
    }


@pytest.mark.parametrize("path", workflow_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_activity_has_a_timeout_and_a_retry_policy(path: Path):
    for name, call in calls(path):
        if name.startswith("workflow.") and name.removeprefix("workflow.").startswith(RUNS_AN_ACTIVITY):
            arguments = {keyword.arg for keyword in call.keywords}
            assert arguments >= {"start_to_close_timeout", "retry_policy"}, f"{path.name}:{call.lineno}: {name}"


@pytest.mark.parametrize("path", workflow_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_handler_takes_everything(path: Path):
    # A cancellation is no Exception, and an eviction must not be caught: a saga that does either skips or hangs.
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ExceptHandler):
            caught = "everything" if node.type is None else ast.unparse(node.type)
            assert caught not in {"everything", "Exception", "BaseException"}, f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("path", workflow_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_log_calls_take_no_arguments_that_logging_does_not_know(path: Path):
    # Such a call fails the workflow task for ever, and only where its level is enabled.
    for name, call in calls(path):
        if name.startswith("workflow.logger."):
            unknown = {keyword.arg for keyword in call.keywords} - LOG_ARGUMENTS
            assert not unknown, f"{path.name}:{call.lineno}: {unknown}"
