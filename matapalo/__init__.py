"""The platform: a GraphQL BFF over REST services behind a strangler. These names are all that a project uses of it.

They are loaded when they are first asked for: workflow modules import from here, and what a package above a workflow
imports is paid by every workflow instance.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matapalo.auth.viewer import Viewer as Viewer
    from matapalo.cli.options import DATA_DIR as DATA_DIR
    from matapalo.cli.options import DataDirOption as DataDirOption
    from matapalo.cli.running_platform import RunningPlatform as RunningPlatform
    from matapalo.context import Context as Context
    from matapalo.context import ContextFactory as ContextFactory
    from matapalo.errors import BadUserInput as BadUserInput
    from matapalo.errors import BffError as BffError
    from matapalo.errors import Forbidden as Forbidden
    from matapalo.errors import IdempotencyKeyReused as IdempotencyKeyReused
    from matapalo.errors import NotFound as NotFound
    from matapalo.errors import Overloaded as Overloaded
    from matapalo.errors import Problem as Problem
    from matapalo.errors import Unauthenticated as Unauthenticated
    from matapalo.errors import UpstreamError as UpstreamError
    from matapalo.errors import UpstreamRejected as UpstreamRejected
    from matapalo.errors import UpstreamUnavailable as UpstreamUnavailable
    from matapalo.errors import WorkflowsUnavailable as WorkflowsUnavailable
    from matapalo.execution.loads import Loads as Loads
    from matapalo.execution.projection import projection as projection
    from matapalo.execution.projection import returns as returns
    from matapalo.execution.projection import streams as streams
    from matapalo.execution.relation import Load as Load
    from matapalo.execution.relation import related as related
    from matapalo.graphql.request import GraphQLRequest as GraphQLRequest
    from matapalo.idempotency.claim import Claim as Claim
    from matapalo.idempotency.claim import claim_of as claim_of
    from matapalo.idempotency.idempotent import Idempotent as Idempotent
    from matapalo.idempotency.replay import Replay as Replay
    from matapalo.idempotency.replay import replay_snapshot as replay_snapshot
    from matapalo.idempotency.runner import Idempotency as Idempotency
    from matapalo.launcher.errors import CommandError as CommandError
    from matapalo.process.cancellation import to_the_end as to_the_end
    from matapalo.process.clock import Clock as Clock
    from matapalo.process.worker import create_worker as create_worker
    from matapalo.ratelimit.charge import OperationCharge as OperationCharge
    from matapalo.ratelimit.cost.directives import Cost as Cost
    from matapalo.ratelimit.cost.directives import sized as sized
    from matapalo.ratelimit.rules.policy import PolicyState as PolicyState
    from matapalo.resources import Resources as Resources
    from matapalo.rest.client import MAX_PAGE as MAX_PAGE
    from matapalo.rest.client import Listing as Listing
    from matapalo.rest.client import RestClient as RestClient
    from matapalo.rest.pool import RestPool as RestPool
    from matapalo.schema import SubgraphSchema as SubgraphSchema
    from matapalo.schema import prepare_schema as prepare_schema
    from matapalo.settings import Settings as Settings
    from matapalo.workflows.activity import REJECTED as REJECTED
    from matapalo.workflows.activity import IdempotentCall as IdempotentCall
    from matapalo.workflows.activity import idempotent_call as idempotent_call
    from matapalo.workflows.activity import rejections as rejections
    from matapalo.workflows.client import Start as Start
    from matapalo.workflows.client import Workflows as Workflows
    from matapalo.workflows.client import workflow_id as workflow_id
    from matapalo.workflows.failures import NotRunning as NotRunning
    from matapalo.workflows.failures import UpdateRefused as UpdateRefused
    from matapalo.workflows.inspection import Inspector as Inspector
    from matapalo.workflows.inspection import PendingActivity as PendingActivity
    from matapalo.workflows.inspection import WorkflowEvent as WorkflowEvent
    from matapalo.workflows.inspection import WorkflowState as WorkflowState
    from matapalo.workflows.retries import RETRY_DEFAULT as RETRY_DEFAULT
    from matapalo.workflows.retries import RETRY_FOREVER as RETRY_FOREVER
    from matapalo.workflows.retries import RETRY_NEVER as RETRY_NEVER
    from matapalo.workflows.saga import Compensation as Compensation
    from matapalo.workflows.saga import Saga as Saga

#: Where the public names are defined.
_NAMES = {
    "matapalo.auth.viewer": "Viewer",
    "matapalo.cli.options": "DATA_DIR DataDirOption",
    "matapalo.cli.running_platform": "RunningPlatform",
    "matapalo.context": "Context ContextFactory",
    "matapalo.errors": "BadUserInput BffError Forbidden IdempotencyKeyReused NotFound Overloaded "
    "Problem Unauthenticated UpstreamError UpstreamRejected UpstreamUnavailable WorkflowsUnavailable",
    "matapalo.execution.loads": "Loads",
    "matapalo.execution.projection": "projection returns streams",
    "matapalo.execution.relation": "Load related",
    "matapalo.graphql.request": "GraphQLRequest",
    "matapalo.idempotency.claim": "Claim claim_of",
    "matapalo.idempotency.idempotent": "Idempotent",
    "matapalo.idempotency.replay": "Replay replay_snapshot",
    "matapalo.idempotency.runner": "Idempotency",
    "matapalo.launcher.errors": "CommandError",
    "matapalo.process.cancellation": "to_the_end",
    "matapalo.process.clock": "Clock",
    "matapalo.process.worker": "create_worker",
    "matapalo.ratelimit.charge": "OperationCharge",
    "matapalo.ratelimit.cost.directives": "Cost sized",
    "matapalo.ratelimit.rules.policy": "PolicyState",
    "matapalo.resources": "Resources",
    "matapalo.rest.client": "Listing MAX_PAGE RestClient",
    "matapalo.rest.pool": "RestPool",
    "matapalo.schema": "SubgraphSchema prepare_schema",
    "matapalo.settings": "Settings",
    "matapalo.workflows.activity": "IdempotentCall REJECTED idempotent_call rejections",
    "matapalo.workflows.client": "Start Workflows workflow_id",
    "matapalo.workflows.failures": "NotRunning UpdateRefused",
    "matapalo.workflows.inspection": "Inspector PendingActivity WorkflowEvent WorkflowState",
    "matapalo.workflows.retries": "RETRY_DEFAULT RETRY_FOREVER RETRY_NEVER",
    "matapalo.workflows.saga": "Compensation Saga",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    """Load a public name (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"matapalo has no public name {name!r}")
    return globals().setdefault(name, getattr(import_module(_MODULES[name]), name))
