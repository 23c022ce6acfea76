"""Declares that a mutation happens once for each key: `extensions=[Idempotent(…)]` on its field.

>>> @returns(
...     WebCreatePaymentPayload,
...     extensions=[Idempotent(required=True, replay=snapshot(PaymentCreated, PaymentDeclined), effect="service")],
... )
... async def create_payment(self, info: Info, input: …) -> CreatePaymentOutcome:
...     return await create_payment(info.context, claim_of(info), …)

Whoever introspects the SDL sees `@idempotentMutation` on the field. ``effect`` says where the truth is, when Redis has
lost the record, cannot be reached, or holds one whose owner died in the middle:

- ``workflow``: the resolver starts or joins the workflow that `Claim.record_id` names; running it again is safe;
- ``service``: the resolver writes under `Claim.derived`, and the service knows the key; running it again is safe;
- ``unsafe``: nothing but the record knows. It is never run again: the client gets `IDEMPOTENCY_OUTCOME_UNKNOWN`, and
  `IDEMPOTENCY_STORE_UNAVAILABLE` while Redis is away.

The resolver must be a coroutine function and raise `BffError`; what it raises decides whether the key is free again
(`matapalo.idempotency.outcome`). Outcomes of the business are not raised but returned, and replayed.
The extension tells the client in `extensions.idempotency` and, when all root fields were replayed, in the header
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
    BffError,
    IdempotencyInProgress,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    IdempotencyOutcomeUnknown,
    IdempotencyStoreUnavailable,
    Unauthenticated,
)
from matapalo.idempotency.fingerprint import fingerprint
from matapalo.idempotency.once import KEPT_FOR, Answer, Call
from matapalo.idempotency.ports import IdempotentContext
from matapalo.idempotency.replay import Replay

Effect = Literal["workflow", "service", "unsafe"]
Arguments = Mapping[str, Any]

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
    kept_for_seconds: int


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
        if not any(isinstance(each, IdempotentMutation) for each in field.directives):  # a second schema of one class
            seen = IdempotentMutation(required=self.required, kept_for_seconds=int(KEPT_FOR.total_seconds()))
            field.directives = [*field.directives, seen]

    async def resolve_async(self, next_: Callable[..., Any], source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        """The outcome of the resolver, or of the request that was first under the key."""
        context: IdempotentContext = info.context
        name = str(info.path.key)
        key = context.request.idempotency_keys.get(name)
        if key is None and self.required:
            raise IdempotencyKeyMissing(f"{info.field_name} needs an Idempotency-Key: the same key is safe to repeat")
        arguments = {each: value for each, value in kwargs.items() if each in self._arguments}
        claim = context.claims[name] = context.idempotency.claim(
            field=info.field_name,
            subject=self._subject(context, arguments),
            key=key or uuid4().hex,
            fingerprint=fingerprint(arguments),
        )

        async def run() -> Any:
            return await next_(source, info, **kwargs)

        if key is None:
            return await run()
        call = Call(
            run=run,
            pack=self._replay.pack,
            unpack=lambda packed: self._replay.unpack(context, packed),
            has_truth=self.effect != "unsafe",
        )
        try:
            answer = await context.idempotency.once(claim, call, patience_s=_left_s(context))
        except BffError as error:
            raise _with_response(context, error) from error.__cause__
        _tell(context, name, answer)
        return answer.outcome

    def _subject(self, context: IdempotentContext, arguments: Arguments) -> str:
        subject = context.viewer.subject
        if subject is not None:
            return subject
        if self._anonymous is None:
            raise Unauthenticated("sign in first: no token was sent")
        return self._anonymous(arguments)


def _left_s(context: IdempotentContext) -> float:
    return context.request.deadline_s - context.clock.monotonic_s()


def _tell(context: IdempotentContext, name: str, answer: Answer) -> None:
    """Put into the operation's answer where that of the field ``name`` is from."""
    told: dict[str, Any] = {"replayed": answer.replayed}
    if answer.replayed:
        context.answered_before(name)
    if answer.first_at is not None and answer.expires_at is not None:
        told |= {"firstAt": answer.first_at.isoformat(), "expiresAt": answer.expires_at.isoformat()}
        told["attempt"] = answer.attempt
    else:
        told["degraded"] = True
    fields: dict[str, Any] = context.response_extensions.setdefault("idempotency", {})
    fields[name] = told
    if all(each in fields and fields[each]["replayed"] for each in context.request.idempotency_keys):
        context.response_headers["idempotency-replayed"] = "true"


_REFUSALS = (IdempotencyInProgress, IdempotencyKeyReused, IdempotencyOutcomeUnknown, IdempotencyStoreUnavailable)


def _with_response(context: IdempotentContext, error: BffError) -> BffError:
    if not isinstance(error, _REFUSALS):
        return error
    if error.retry_after_s is not None:
        context.response_headers["retry-after"] = str(math.ceil(error.retry_after_s))
    is_whole = len(context.request.idempotency_keys) == 1
    return type(error)(error.message, retry_after_s=error.retry_after_s, nothing_executed=is_whole, **error.details)
