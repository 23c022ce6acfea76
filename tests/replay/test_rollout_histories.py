"""Every recorded history of a rollout replays with the workflow of today; a careless change does not.

When one fails, rollouts that are under way would hang: put the change behind `workflow.patched("…")`.
"""

from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from matapalo.strangler.rollout.messages import RolloutState, StartRollout
from matapalo.strangler.rollout.workflow import RolloutWorkflow

HISTORIES = sorted((Path(__file__).parent / "rollouts").glob("*.json"))


@workflow.defn(name="RolloutWorkflow")
class ChangedCarelessly(RolloutWorkflow):
    """Waits a second before it does anything."""

    @workflow.init
    def __init__(self, start: StartRollout) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: StartRollout) -> RolloutState:
        await workflow.sleep(1)
        return await super().run(start)


def recorded(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text())


def test_histories_are_there() -> None:
    assert {path.stem for path in HISTORIES} >= {"done", "rolled_back", "changed_externally"}


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_what_was_recorded_replays(path: Path) -> None:
    await Replayer(workflows=[RolloutWorkflow]).replay_workflow(recorded(path))


async def test_a_careless_change_is_found() -> None:
    replayer = Replayer(workflows=[ChangedCarelessly], workflow_runner=UnsandboxedWorkflowRunner())
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(recorded(HISTORIES[0]))
