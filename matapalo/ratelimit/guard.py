"""A coarse limit on one address' requests, before anything of them is read: it protects this process' CPU.

Requests are counted in windows of ten seconds, the last one weighted by what of it is still within ten seconds: cheap
and approximate, unlike the limits of `matapalo.ratelimit.limiter`, which decide about viewers. It is of this process
alone and calls no store. At most ``max_addresses`` are counted a window; further ones pass.
"""

from matapalo.errors import RateLimited
from matapalo.process.clock import Clock
from matapalo.ratelimit.rules.subject import address_of

WINDOW_S = 10.0


class AddressGuard:
    """Denies an address with more than ``per_second`` requests, on average over ten seconds."""

    def __init__(self, per_second: int, clock: Clock, *, max_addresses: int = 50_000) -> None:
        self._limit = per_second * WINDOW_S
        self._clock = clock
        self._max_addresses = max_addresses
        self._window = -1
        self._current: dict[str, int] = {}
        self._previous: dict[str, int] = {}

    def check(self, client_ip: str) -> None:
        """Count one request. Raises `RateLimited`; a denied request is not counted."""
        address = address_of(client_ip)
        position = self._clock.monotonic_s() / WINDOW_S
        window = int(position)
        if window != self._window:
            self._previous = self._current if window == self._window + 1 else {}
            self._current = {}
            self._window = window
        count = self._current.get(address, 0)
        before = self._previous.get(address, 0)
        passed = position - window
        if count + before * (1 - passed) >= self._limit:
            raise RateLimited("Too many requests from this address", retry_after_s=self._wait_s(count, before, passed))
        if count or len(self._current) < self._max_addresses:
            self._current[address] = count + 1

    def _wait_s(self, count: int, before: int, passed: float) -> float:
        """Until the weighted count has fallen below the limit, in this window or in the next."""
        if count < self._limit:
            windows = 1 - (self._limit - count) / before - passed
        else:
            windows = 1 - passed + (1 - self._limit / count if count else 0.0)
        return windows * WINDOW_S + 0.001
