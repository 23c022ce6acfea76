"""Declares that a mutation happens once for each key: `extensions=[Idempotent(…)]` on its field.

>>> @returns(
...     WebCreatePaymentPayload,
...     extensions=[Idempotent(required=True, replay=replay_snapshot(PaymentCreated), effect="service")],
... )
... async def create_payment(self, info: Info, input: …) -> CreatePaymentOutcome:
...     return await create_payment(info.context, claim_of(info), …)

Introspection and the SDL show `@idempotentMutation` on the field. ``effect`` says where the source of truth is, when
Redis has lost the record, cannot be reached, or holds one whose owner died in the middle:

- ``workflow``: the resolver starts or joins the workflow that `Claim.record_id` names; it is safe to rerun;
- ``service``: the resolver writes under `Claim.derived`, and the service knows the key; it is safe to rerun;
- ``unsafe``: only the record knows. It is never rerun: the client gets `IDEMPOTENCY_OUTCOME_UNKNOWN`, and
  `IDEMPOTENCY_STORE_UNAVAILABLE` while Redis is away.

The resolver must be a coroutine function and raise `BffError`; what it raises decides whether the key is free again
(`matapalo.idempotency.runner`). Outcomes of the business are not raised but returned, and replayed.
The extension informs the client in `extensions.idempotency` and, when all root fields were replayed, in the header
`Idempotency-Replayed`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal
from uuid import uuid4

import strawberry
from graphql import DirectiveLocation, GraphQLArgument, GraphQLDirective, GraphQLNonNull, GraphQLString
from strawberry.extensions import FieldExtension
from strawberry.schema_directive import Location
from strawberry.types.field import StrawberryField

from matapalo.errors import (
    IdempotencyInProgress,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    IdempotencyOutcomeUnknown,
    IdempotencyStoreUnavailable,
    Unauthenticated,
)
from matapalo.idempotency.claim import Claim, IdempotentContext
from matapalo.idempotency.fingerprint import fingerprint
from matapalo.idempotency.replay import Replay
from matapalo.idempotency.runner import RETENTION, Mutation, Result

Effect = Literal["workflow", "service", "unsafe"]
Arguments = Mapping[str, Any]

#: The field did not run.
_REFUSALS = (IdempotencyInProgress, IdempotencyKeyReused, IdempotencyOutcomeUnknown, IdempotencyStoreUnavailable)

#: What a client writes on a mutation field of its operation.
IDEMPOTENT_DIRECTIVE = GraphQLDirective(
    "idempotent",
    [DirectiveLocation.FIELD],
    {
        "key": GraphQLArgument(
            GraphQLNonNull(GraphQLString),
            description="1 to 255 visible ASCII characters, new for each new intention: a UUID is good.",
        )
    },
    description="On a mutation field: the same key is the same mutation, however often it is sent. "
    "The header Idempotency-Key does the same for a whole operation.",
)


@strawberry.schema_directive(
    name="idempotentMutation",
    locations=[Location.FIELD_DEFINITION],
    description="The mutation happens once for each key: of `@idempotent(key:)` or the header Idempotency-Key.",
)
class IdempotentMutation:
    required: bool
    retention_seconds: int


class Idempotent(FieldExtension):
    """See the module. ``anonymous`` makes a subject of the arguments for a viewer that is not signed in."""

    def __init__(
        self,
        *,
        required: bool,
        replay: Replay,
        effect: Effect,
        anonymous: Callable[[Arguments], str] | None = None,
    ) -> None:
        self.required = required
        self.effect = effect
        self._replay = replay
        self._anonymous = anonymous
        self._arguments: frozenset[str] = frozenset()

    def apply(self, field: StrawberryField) -> None:
        """Show in the SDL what is promised."""
        if not field.is_async:
            raise TypeError(f"{field.python_name} is Idempotent: its resolver must be a coroutine function")
        self._arguments = frozenset(argument.python_name for argument in field.arguments)
        if not any(isinstance(directive, IdempotentMutation) for directive in field.directives):  # a second schema
            directive = IdempotentMutation(required=self.required, retention_seconds=int(RETENTION.total_seconds()))
            field.directives = [*field.directives, directive]

    async def resolve_async(self, next_: Callable[..., Any], source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        """The outcome of the resolver, or of the request that was first under the key."""
        context: IdempotentContext = info.context
        name = str(info.path.key)
        keys = context.request.idempotency_keys
        key = keys.get(name)
        if key is None and self.required:
            raise IdempotencyKeyMissing(f"{info.field_name} needs an Idempotency-Key: the same key is safe to repeat")
        arguments = {argument: value for argument, value in kwargs.items() if argument in self._arguments}
        claim = context.idempotency.claim(
            field=info.field_name,
            subject=self._subject(context, arguments),
            key=key or uuid4().hex,
            fingerprint=fingerprint(arguments),
        )

        async def run(claim: Claim) -> Result:
            context.claims[name] = claim
            outcome = await next_(source, info, **kwargs)
            return Result(outcome, replayed=claim.attempt_id in context.replayed_attempts)

        if key is None:
            return (await run(claim)).outcome
        mutation = Mutation(
            run=run,
            pack=self._replay.pack,
            unpack=lambda packed: self._replay.unpack(context, packed),
            is_safe_to_rerun=self.effect != "unsafe",
        )
        timeout_s = context.request.deadline_s - context.clock.monotonic_s()
        try:
            result = await context.idempotency.run_idempotent(claim, mutation, timeout_s=timeout_s)
        except _REFUSALS as error:
            if error.retry_after_s is not None:
                context.response_headers["retry-after"] = str(math.ceil(error.retry_after_s))
            raise type(error)(
                error.message, retry_after_s=error.retry_after_s, nothing_executed=len(keys) == 1, **error.details
            ) from error
        _report(context, name, result)
        return result.outcome

    def _subject(self, context: IdempotentContext, arguments: Arguments) -> str:
        subject = context.viewer.subject
        if subject is not None:
            return subject
        if self._anonymous is None:
            raise Unauthenticated("sign in first: no token was sent")
        return self._anonymous(arguments)


def _report(context: IdempotentContext, name: str, result: Result) -> None:
    """Put into the response where the result of the field ``name`` is from."""
    report: dict[str, Any] = {"replayed": result.replayed}
    if result.replayed:
        context.on_replayed(name)
    if result.first_at is not None and result.expires_at is not None:
        report |= {"firstAt": result.first_at.isoformat(), "expiresAt": result.expires_at.isoformat()}
        report["attempt"] = result.attempt
    else:
        report["degraded"] = True
    fields: dict[str, Any] = context.response_extensions.setdefault("idempotency", {})
    fields[name] = report
    if all(field in fields and fields[field]["replayed"] for field in context.request.idempotency_keys):
        context.response_headers["idempotency-replayed"] = "true"
