"""`/admin/rollouts`: durable plans. Every path needs role ``operator``; the operator and the reason are kept.

A route is named by its name. Reading needs Redis alone; starting and commands need Temporal, and commands the gateway's
worker (503 says which is away: `PATCH /admin/routes/{name}` still moves the share, and a rollout then pauses).
"""

from fastapi import APIRouter

from matapalo.strangler.api.operators import Operator
from matapalo.strangler.api.schemas import CommandBody, Name, RolloutsView, StartBody
from matapalo.strangler.rollout.client import Command, Pace, Rollouts
from matapalo.strangler.rollout.messages import RolloutState


def rollouts_api(rollouts: Rollouts) -> APIRouter:
    api = APIRouter(prefix="/admin/rollouts", tags=["rollouts"])

    @api.get("", summary="The last rollout of each route")
    async def list_rollouts() -> RolloutsView:
        return RolloutsView(rollouts=[*(await rollouts.latest()).values()])

    @api.post("", summary="Start a plan", status_code=201)
    async def start(body: StartBody, operator: Operator) -> RolloutState:
        pace = Pace(body.check_every_s, body.failures_allowed)
        return await rollouts.start(body.route, body.plan, by=operator.subject, why=body.why, pace=pace)

    @api.get("/{name}", summary="The last rollout of a route, with its verdict and its timeline")
    async def show(name: Name) -> RolloutState:
        return await rollouts.get(name)

    @api.post("/{name}/{command}", summary="Hold, resume, advance (or approve), or roll back to 0 %")
    async def send_command(name: Name, command: Command, body: CommandBody, operator: Operator) -> RolloutState:
        return await rollouts.send(name, command, by=operator.subject, why=body.why)

    return api
