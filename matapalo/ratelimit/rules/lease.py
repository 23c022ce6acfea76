"""Permits for concurrent operations, on lease (a semaphore that survives crashes). Pure; its twin is lease.lua.

A permit is an entry of a strict window as long as the lease, which its holder takes back when the operation ends. So a
crashed process gives its permits back within ``lease · (1 + 1/precision)``, and any number of permits takes the same
few bytes. Which entry is a holder's own is known by the moment it was taken. A holder gives back once: a second time
would take another holder's permit.
"""

from collections.abc import Sequence

from matapalo.ratelimit.rules.window import StrictWindow

NEVER_TAKEN_US = -1
"""A moment at which no permit was ever taken: renewing from it takes a new one."""


def returned(rule: StrictWindow, ring: Sequence[int], at_us: int, taken_us: int) -> list[int] | None:
    """The ring, written at ``at_us``, without the permit taken at ``taken_us``; None when that has run out."""
    age = at_us // rule.step_us - taken_us // rule.step_us
    if not 0 <= age <= rule.precision or not ring[age]:
        return None
    return [count - 1 if index == age else count for index, count in enumerate(ring)]


def renewed(rule: StrictWindow, ring: Sequence[int], now_us: int, taken_us: int) -> list[int] | None:
    """The ring of ``now_us`` with the permit taken anew; None when it has run out and no other is free."""
    without = returned(rule, ring, now_us, taken_us)
    if without is None:
        if sum(ring) >= rule.limit:
            return None
        without = list(ring)
    return [without[0] + 1, *without[1:]]
