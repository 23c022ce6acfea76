"""The circuit breaker: when to stop calling a store that does not respond. Pure: moments are monotonic seconds.

Ours, because the libraries (`purgatory`, `aiobreaker`) wrap one awaited call, and this one counts the calls of a batch.
"""

from collections import deque

FAILURES = 5
WITHIN_S = 1.0
OPEN_S = 1.0


class CircuitBreaker:
    """Opens after `FAILURES` within `WITHIN_S`; then one call passes every `OPEN_S` (half-open) until one succeeds."""

    def __init__(self) -> None:
        self._failures: deque[float] = deque(maxlen=FAILURES)
        self._open_until_s: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the last attempts failed."""
        return self._open_until_s is not None

    def allows(self, now_s: float) -> bool:
        """Whether to call. While open, True is for the one probe: the next is `OPEN_S` later."""
        if self._open_until_s is None:
            return True
        if now_s < self._open_until_s:
            return False
        self._open_until_s = now_s + OPEN_S
        return True

    def record_failure(self, now_s: float, calls: int = 1) -> None:
        """Count so many calls that failed together."""
        self._failures.extend([now_s] * min(calls, FAILURES))
        if self._open_until_s is not None or (
            len(self._failures) == FAILURES and now_s - self._failures[0] <= WITHIN_S
        ):
            self._open_until_s = now_s + OPEN_S

    def record_success(self) -> None:
        """Close it: the store is back."""
        if self._open_until_s is not None:
            self._open_until_s = None
            self._failures.clear()
