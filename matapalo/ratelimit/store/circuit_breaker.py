"""When to stop asking a store that does not answer. Pure: moments are monotonic seconds."""

from collections import deque

FAILURES = 5
WITHIN_S = 1.0
OPEN_S = 1.0


class Breaker:
    """Opens after `FAILURES` within `WITHIN_S`; then lets one call through every `OPEN_S` until one succeeds."""

    def __init__(self) -> None:
        self._failures: deque[float] = deque(maxlen=FAILURES)
        self._open_until_s: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the last attempts failed."""
        return self._open_until_s is not None

    def allows(self, now_s: float) -> bool:
        """Whether to ask. While open, a true answer is the one probe: the next is `OPEN_S` later."""
        if self._open_until_s is None:
            return True
        if now_s < self._open_until_s:
            return False
        self._open_until_s = now_s + OPEN_S
        return True

    def failed(self, now_s: float, calls: int = 1) -> None:
        """So many calls failed."""
        self._failures.extend([now_s] * min(calls, FAILURES))
        if self._open_until_s is not None or (
            len(self._failures) == FAILURES and now_s - self._failures[0] <= WITHIN_S
        ):
            self._open_until_s = now_s + OPEN_S

    def succeeded(self) -> None:
        """The store is back."""
        if self._open_until_s is not None:
            self._open_until_s = None
            self._failures.clear()
