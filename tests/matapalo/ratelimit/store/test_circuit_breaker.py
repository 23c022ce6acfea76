"""The circuit breaker: when it opens, and what closes it."""

from matapalo.ratelimit.store.circuit_breaker import CircuitBreaker


def test_failures_that_are_far_apart_do_not_open_the_breaker() -> None:
    breaker = CircuitBreaker()
    for second in range(20):
        breaker.record_failure(float(second))
    assert not breaker.is_open


def test_a_failed_probe_keeps_it_open() -> None:
    breaker = CircuitBreaker()
    breaker.record_failure(0.0, calls=5)
    assert not breaker.allows(0.5)
    assert breaker.allows(1.0)
    assert not breaker.allows(1.5)
    breaker.record_failure(1.6)
    assert not breaker.allows(2.5)
    assert breaker.allows(2.6)
    breaker.record_success()
    assert breaker.allows(2.6)
