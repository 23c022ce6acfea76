"""Traffic as values and as fields of a slice."""

from matapalo.strangler.metrics.traffic import SideTraffic, counts_of, traffic_of
from matapalo.strangler.routing.route import Side
from tests.harness.clock import FakeClock

NOON = FakeClock().now()


def test_traffic_survives_being_written_down() -> None:
    sides = {Side.NEW: SideTraffic(298, 2, {20: 150, 25: 150}), Side.LEGACY: SideTraffic(300, 0, {7: 3})}
    read = traffic_of(counts_of(sides), since=NOON, until=NOON)
    assert (read.new, read.legacy) == (sides[Side.NEW], sides[Side.LEGACY])


def test_a_side_without_requests_has_no_errors_and_no_latency() -> None:
    nothing = SideTraffic()
    assert (nothing.error_share, nothing.quantile_ms(0.5), bool(nothing)) == (None, None, False)
