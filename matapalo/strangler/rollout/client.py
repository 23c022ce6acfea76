"""Starting a rollout and sending it commands: the control plane's side of Temporal. Reading needs only Redis.

Connects when it is first used and again whenever it must, so that the control plane starts and serves without Temporal.
Raises RolloutsUnavailable (Temporal or the worker is away), RolloutConflict, RolloutNotFound, and for a plan that does
not fit InvalidChange.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec
from temporalio.client import (
    Client,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from matapalo.process.clock import Clock
from matapalo.strangler.errors import (
    InvalidChange,
    RedisUnavailable,
    RolloutConflict,
    RolloutNotFound,
    RolloutsUnavailable,
)
from matapalo.strangler.rollout import plan as plans
from matapalo.strangler.rollout.messages import OperatorCommand, RolloutState, StartRollout, Step
from matapalo.strangler.rollout.progress import RolloutProgress
from matapalo.strangler.rollout.snapshot_store import RedisSnapshotStore
from matapalo.strangler.rollout.workflow import TASK_QUEUE, RolloutWorkflow
from matapalo.strangler.routing.document import RoutesDocument
from matapalo.strangler.routing.route import Route
from matapalo.strangler.routing.share import format_share
from matapalo.strangler.routing.validate import find_problems
from matapalo.strangler.store.changes import Changes

RPC_TIMEOUT = timedelta(seconds=2)
COMMAND_TIMEOUT = timedelta(seconds=6)
RETRIES = RetryConfig(initial_interval_millis=30, max_interval_millis=100, max_elapsed_time_millis=300, max_retries=3)
FAILURES_ALLOWED = 3


class Command(StrEnum):
    """The commands an operator can send to a rollout."""

    HOLD = "hold"
    RESUME = "resume"
    ADVANCE = "advance"
    ROLLBACK = "rollback"


class Pace(NamedTuple):
    """How often a rollout's gates are checked, and may fail in a row. None: the default."""

    check_every_s: float | None = None
    failures_allowed: int | None = None


DEFAULT_PACE = Pace()


class Rollouts:
    def __init__(
        self,
        changes: Changes,
        snapshots: RedisSnapshotStore,
        *,
        upstreams: Collection[str],
        address: str,
        namespace: str,
        check_every_s: float,
        clock: Clock,
    ) -> None:
        self._changes = changes
        self._snapshots = snapshots
        self._upstreams = upstreams
        self._address = address
        self._namespace = namespace
        self._check_every_s = check_every_s
        self._clock = clock
        self._client: Client | None = None

    async def start(
        self, name_or_path: str, plan: str, *, by: str, why: str, pace: Pace = DEFAULT_PACE
    ) -> RolloutState:
        """Start a plan; ``name_or_path`` is the route's name or a path it covers."""
        steps = plans.parse(plan)
        document = await self._changes.document()
        route = document.route(name_or_path)
        _check_fits(route, steps, document, self._upstreams)
        start = StartRollout(
            route=route.name,
            plan=steps,
            by=by,
            why=why,
            revision=document.revision(route.name),
            check_every_s=pace.check_every_s or min(self._check_every_s, _shortest(steps, self._check_every_s)),
            failures_allowed=pace.failures_allowed or FAILURES_ALLOWED,
            share_bp=route.share_bp,
        )
        client = await self._connected()
        with _availability():
            try:
                await client.start_workflow(
                    RolloutWorkflow.run,
                    start,
                    id=_id(route.name),
                    task_queue=TASK_QUEUE,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    static_summary=f"{route.name}: {plans.render(steps)}",
                    rpc_timeout=RPC_TIMEOUT,
                )
            except WorkflowAlreadyStartedError as error:
                raise RolloutConflict(
                    f"route {route.name!r} has a rollout under way: roll it back, or let it finish"
                ) from error
        return RolloutProgress(start, self._clock.now()).state

    async def send(self, route: str, command: Command, *, by: str, why: str) -> RolloutState:
        name = await self._name(route)
        client = await self._connected()
        updates = {
            Command.HOLD: RolloutWorkflow.hold,
            Command.RESUME: RolloutWorkflow.resume,
            Command.ADVANCE: RolloutWorkflow.advance,
            Command.ROLLBACK: RolloutWorkflow.rollback,
        }
        handle = client.get_workflow_handle_for(RolloutWorkflow.run, _id(name))
        with _availability(name):
            return await handle.execute_update(updates[command], OperatorCommand(by, why), rpc_timeout=COMMAND_TIMEOUT)

    async def latest(self) -> Mapping[str, RolloutState]:
        return await self._snapshots.read()

    async def get(self, route: str) -> RolloutState:
        """The last rollout of a route, from Redis, or from Temporal where Redis has lost it."""
        name = await self._name(route)
        if (state := await self._snapshots.get(name)) is not None:
            return state
        client = await self._connected()
        with _availability(name):
            return await client.get_workflow_handle_for(RolloutWorkflow.run, _id(name)).query(
                RolloutWorkflow.state, rpc_timeout=COMMAND_TIMEOUT
            )

    async def _name(self, route: str) -> str:
        try:
            return (await self._changes.document()).route(route).name
        except RedisUnavailable:
            if route.startswith("/"):
                raise
            return route

    async def _connected(self) -> Client:
        if self._client is None:
            try:
                async with asyncio.timeout(RPC_TIMEOUT.total_seconds()):
                    self._client = await Client.connect(self._address, namespace=self._namespace, retry_config=RETRIES)
            except (RPCError, RuntimeError, TimeoutError) as error:
                raise RolloutsUnavailable(f"Temporal does not answer on {self._address}: try again later") from error
        return self._client


def _id(route: str) -> str:
    return f"rollout:{route}"


def _shortest(steps: tuple[Step, ...], otherwise: float) -> float:
    """A pace at which the gates are checked several times before the shortest step ends."""
    return max(1.0, min((step.lasts_s for step in steps if step.lasts_s), default=otherwise) / 4)


def _check_fits(route: Route, steps: tuple[Step, ...], document: RoutesDocument, upstreams: Collection[str]) -> None:
    if route.retired:
        raise InvalidChange(f"route {route.name!r} is retired: there is nothing left to roll out")
    if steps[0].share_bp < route.share_bp:
        share = format_share(route.share_bp)
        raise InvalidChange(
            f"route {route.name!r} is at {share} already, and the plan begins at {format_share(steps[0].share_bp)}, "
            f"which would move users back: begin at {share} or above"
        )
    for step in steps:
        following = document.with_route(msgspec.structs.replace(route, share_bp=step.share_bp))
        if problems := [*find_problems(following.routes, upstreams=upstreams)]:
            raise InvalidChange(*problems)


@contextmanager
def _availability(route: str = "") -> Iterator[None]:
    """Raise the strangler's errors for Temporal's."""
    try:
        yield
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        raise RolloutConflict(cause.message if isinstance(cause, ApplicationError) else str(cause)) from error
    except (WorkflowUpdateRPCTimeoutOrCancelledError, WorkflowQueryFailedError) as error:
        raise RolloutsUnavailable(f"the gateway's worker does not answer: {error}") from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND and route:
            raise RolloutNotFound(f"route {route!r} has no rollout under way") from error
        raise RolloutsUnavailable(f"Temporal does not answer in time: {error.message}") from error
