"""The guard of one process against one address."""

import pytest

from matapalo.errors import RateLimited
from matapalo.ratelimit.guard import AddressGuard
from tests.harness.clock import FakeClock


def passed(guard: AddressGuard, times: int, address: str = "203.0.113.9") -> int:
    """How many of ``times`` requests at once pass."""
    count = 0
    for _ in range(times):
        try:
            guard.check(address)
        except RateLimited:
            continue
        count += 1
    return count


def test_an_address_has_its_requests_and_others_have_theirs() -> None:
    guard = AddressGuard(5, FakeClock())
    assert passed(guard, 100) == 50
    assert passed(guard, 3, "198.51.100.7") == 3


@pytest.mark.parametrize("wait_for", ["the hint", "one tick less"])
def test_the_hint_is_when_it_passes_again(wait_for: str) -> None:
    clock = FakeClock()
    guard = AddressGuard(5, clock)
    clock.advance(3.0)
    passed(guard, 50)
    with pytest.raises(RateLimited) as denied:
        guard.check("203.0.113.9")
    assert denied.value.retry_after_s is not None
    clock.advance(denied.value.retry_after_s - (0.01 if wait_for == "one tick less" else 0))
    assert passed(guard, 1) == (1 if wait_for == "the hint" else 0)


def test_a_steady_rate_below_the_limit_always_passes() -> None:
    clock = FakeClock()
    guard = AddressGuard(5, clock)
    for _ in range(400):
        clock.advance(0.25)
        guard.check("203.0.113.9")


def test_its_memory_is_bounded() -> None:
    guard = AddressGuard(1, FakeClock(), max_addresses=2)
    for last in range(5):
        assert passed(guard, 1, f"203.0.113.{last}") == 1
    assert len(guard._current) == 2
