"""What every activity does alike: one call to a collaborator, at most once however often it is retried.

A call's idempotency key is the workflow's id and the activity's name, so that every attempt, also by another worker
and after the workflow's own history was lost, is the same request to the service.
A 4xx response that is no business outcome is our bug: `REJECTED`, which steps do not retry and compensations do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from matapalo.errors import UpstreamRejected

REJECTED = "Rejected"
LONGEST_CALL = timedelta(seconds=10)  # where a step sets no bound of its own, which a lint forbids


@dataclass(frozen=True, slots=True)
class IdempotentCall:
    """How an activity calls a service: at most once under ``idempotency_key``, with a response within ``timeout``."""

    idempotency_key: str
    timeout: timedelta


def idempotent_call() -> IdempotentCall:
    """The call of the running activity: under the same key in every attempt."""
    info = activity.info()
    return IdempotentCall(
        idempotency_key=f"{info.workflow_id}:{info.activity_type}",
        timeout=info.start_to_close_timeout or LONGEST_CALL,
    )


@contextmanager
def rejections() -> Iterator[None]:
    """A 4xx response of a service, as an activity's failure of type `REJECTED`."""
    try:
        yield
    except UpstreamRejected as rejected:
        raise ApplicationError(f"{rejected.problem.slug}: {rejected.message}", type=REJECTED) from rejected
