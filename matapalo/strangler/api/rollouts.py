"""`/admin/rollouts`: durable plans. Every path needs role ``operator``; who asked and why is kept.

A route is named by its name. Reading needs Redis alone; starting and orders need Temporal, and orders the gateway's
worker (503 says which is away: `PATCH /admin/routes/{name}` still moves the share, and a rollout then pauses).
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from matapalo.auth.verifier import Caller
from matapalo.strangler.api.operators import OperatorGate
from matapalo.strangler.api.schemas import Why
from matapalo.strangler.rollout.client import Command, Pace, Rollouts
from matapalo.strangler.rollout.messages import RolloutState

Name = Annotated[str, Path(description="The name of a route.", max_length=64)]


class StartBody(BaseModel):
    """A plan, and why."""

    model_config = ConfigDict(extra="forbid")

    route: str = Field(max_length=256, description="The name of a route, or a path it covers.", examples=["orders"])
    plan: str = Field(max_length=1_000, examples=["5% for 1 day, 10% for 2 days, 50% for 1 week after approval, 100%"])
    why: Why
    check_every_s: float | None = Field(
        default=None, ge=1, le=86_400, description="How often the gates are asked; by default a setting decides."
    )
    failures_allowed: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="So many failed gates in a row take the route back to 0 %; by default 3.",
    )


class OrderBody(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    why: Why


class RolloutsView(BaseModel):
    """The last rollout of each route that ever had one."""

    rollouts: list[RolloutState]


def rollouts_api(rollouts: Rollouts, operator: OperatorGate) -> APIRouter:
    """The router, joined to what it reads and tells."""
    Operator = Annotated[Caller, Depends(operator)]  # noqa: N806 - a type
    api = APIRouter(prefix="/admin/rollouts", dependencies=[Depends(operator)], tags=["rollouts"])

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
    async def tell(name: Name, command: Command, body: OrderBody, operator: Operator) -> RolloutState:
        return await rollouts.send(name, command, by=operator.subject, why=body.why)

    return api
