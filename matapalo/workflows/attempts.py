"""What every activity does alike: one call to a collaborator, at most once whoever repeats it.

A call's idempotency key is the workflow's id and the activity's name, so that every attempt, also by another worker
and after the workflow's own history was lost, is the same request to the service.
A 4xx answer that is no business outcome is our bug: `REJECTED`, which steps do not retry and compensations do.
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
class Once:
    """How a write is made: at most once under ``key``, and answered within ``timeout``."""

    key: str
    timeout: timedelta


def once() -> Once:
    """How the running activity writes."""
    return Once(key=key(), timeout=timeout())


def key() -> str:
    """The same for every attempt of the running activity."""
    info = activity.info()
    return f"{info.workflow_id}:{info.activity_type}"


def timeout() -> timedelta:
    """How long one attempt may take."""
    return activity.info().start_to_close_timeout or LONGEST_CALL


@contextmanager
def rejections() -> Iterator[None]:
    """A 4xx answer of a service, as an activity's failure of type `REJECTED`."""
    try:
        yield
    except UpstreamRejected as rejected:
        raise ApplicationError(f"{rejected.problem.slug}: {rejected.message}", type=REJECTED) from rejected
