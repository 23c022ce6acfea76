"""The retry policies that workflows share. A workflow with other intervals has its own beside its timeouts."""

from datetime import timedelta

from temporalio.common import RetryPolicy

from matapalo.workflows.activity import REJECTED

#: A single attempt.
RETRY_NEVER = RetryPolicy(maximum_attempts=1)
#: For a step whose client waits, or may wait: until its schedule-to-close timeout, unless the service rejects it.
RETRY_DEFAULT = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    maximum_interval=timedelta(seconds=10),
    non_retryable_error_types=[REJECTED],
)
#: For what must happen: compensations, and steps after the pivot. A rejection is a bug to be mended meanwhile.
RETRY_FOREVER = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5))
