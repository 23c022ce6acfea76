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
    from matapalo.idempotency.replay import snapshot as replay_snapshot
    from matapalo.idempotency.runner import Idempotency as Idempotency
    from matapalo.launcher.errors import LauncherError as CommandError
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

#: Public name -> where it is defined, as `module` or `module:name` when it has another name there.
_MODULES = {
    "SubgraphSchema": "matapalo.schema",
    "DataDirOption": "matapalo.cli.options",
    "DATA_DIR": "matapalo.cli.options",
    "RunningPlatform": "matapalo.cli.running_platform",
    "CommandError": "matapalo.launcher.errors:LauncherError",
    "prepare_schema": "matapalo.schema",
    "create_worker": "matapalo.process.worker",
    "Settings": "matapalo.settings",
    "Resources": "matapalo.resources",
    "ContextFactory": "matapalo.context",
    "Context": "matapalo.context",
    "BadUserInput": "matapalo.errors",
    "BffError": "matapalo.errors",
    "OperationCharge": "matapalo.ratelimit.charge",
    "Claim": "matapalo.idempotency.claim",
    "Clock": "matapalo.process.clock",
    "Compensation": "matapalo.workflows.saga",
    "Cost": "matapalo.ratelimit.cost.directives",
    "RestPool": "matapalo.rest.pool",
    "Forbidden": "matapalo.errors",
    "Idempotency": "matapalo.idempotency.runner",
    "IdempotencyKeyReused": "matapalo.errors",
    "Idempotent": "matapalo.idempotency.idempotent",
    "IdempotentCall": "matapalo.workflows.activity",
    "Inspector": "matapalo.workflows.inspection",
    "Listing": "matapalo.rest.client",
    "Load": "matapalo.execution.relation",
    "Loads": "matapalo.execution.loads",
    "MAX_PAGE": "matapalo.rest.client",
    "NotFound": "matapalo.errors",
    "NotRunning": "matapalo.workflows.failures",
    "Overloaded": "matapalo.errors",
    "PendingActivity": "matapalo.workflows.inspection",
    "PolicyState": "matapalo.ratelimit.rules.policy",
    "Problem": "matapalo.errors",
    "REJECTED": "matapalo.workflows.activity",
    "RETRY_DEFAULT": "matapalo.workflows.retries",
    "RETRY_FOREVER": "matapalo.workflows.retries",
    "RETRY_NEVER": "matapalo.workflows.retries",
    "Replay": "matapalo.idempotency.replay",
    "GraphQLRequest": "matapalo.graphql.request",
    "RestClient": "matapalo.rest.client",
    "Saga": "matapalo.workflows.saga",
    "Start": "matapalo.workflows.client",
    "Unauthenticated": "matapalo.errors",
    "UpdateRefused": "matapalo.workflows.failures",
    "UpstreamError": "matapalo.errors",
    "UpstreamRejected": "matapalo.errors",
    "UpstreamUnavailable": "matapalo.errors",
    "Viewer": "matapalo.auth.viewer",
    "WorkflowEvent": "matapalo.workflows.inspection",
    "WorkflowState": "matapalo.workflows.inspection",
    "Workflows": "matapalo.workflows.client",
    "WorkflowsUnavailable": "matapalo.errors",
    "claim_of": "matapalo.idempotency.claim",
    "idempotent_call": "matapalo.workflows.activity",
    "projection": "matapalo.execution.projection",
    "rejections": "matapalo.workflows.activity",
    "related": "matapalo.execution.relation",
    "replay_snapshot": "matapalo.idempotency.replay:snapshot",
    "returns": "matapalo.execution.projection",
    "sized": "matapalo.ratelimit.cost.directives",
    "streams": "matapalo.execution.projection",
    "to_the_end": "matapalo.process.cancellation",
    "workflow_id": "matapalo.workflows.client",
}

__all__ = [
    "DATA_DIR",
    "MAX_PAGE",
    "REJECTED",
    "RETRY_DEFAULT",
    "RETRY_FOREVER",
    "RETRY_NEVER",
    "BadUserInput",
    "BffError",
    "Claim",
    "Clock",
    "CommandError",
    "Compensation",
    "Context",
    "ContextFactory",
    "Cost",
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
    "NotFound",
    "NotRunning",
    "OperationCharge",
    "Overloaded",
    "PendingActivity",
    "PolicyState",
    "Problem",
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


def __getattr__(name: str) -> Any:
    """Load a public name (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"matapalo has no public name {name!r}")
    module, _, attribute = _MODULES[name].partition(":")
    return globals().setdefault(name, getattr(import_module(module), attribute or name))
