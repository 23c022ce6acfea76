"""From Envoy's statistics to the slices and the gauges."""

from fakeredis import FakeAsyncRedis
from prometheus_client import CollectorRegistry

from matapalo.strangler.agent.admin import EnvoyAdmin
from matapalo.strangler.metrics.collector import MetricsCollector
from matapalo.strangler.store.slices import Slices
from tests.harness.clock import FakeClock
from tests.matapalo.strangler.metrics.test_counters import clusters, statistics


class FakeEnvoy(EnvoyAdmin):
    """Counts one more request of the new side and one more failure at every reading."""

    def __init__(self) -> None:
        self.readings = 0

    async def read(self, path: str, **params: str) -> bytes:
        if path == "/clusters":
            return clusters(orders__new=(self.readings * 40, self.readings), orders__legacy=(self.readings * 80, 0))
        self.readings += 1
        return statistics(self.readings * 10, orders_new={5: self.readings * 40}, orders_legacy={8: self.readings * 80})


async def test_what_happened_between_readings_is_added_and_exposed() -> None:
    clock, registry = FakeClock(), CollectorRegistry()
    slices = Slices(FakeAsyncRedis(), clock=clock, fine_s=10)
    collector = MetricsCollector(FakeEnvoy(), slices, every_s=10, registry=registry)
    begin = clock.now()
    for _ in range(7):
        await collector.step()
        clock.advance(10)
    counts = await slices.total("traffic:orders", since=begin)
    assert (counts["n:ok"], counts["n:err"], counts["l:ok"]) == (240, 6, 480), "the first reading only says from where"
    side = {"route": "orders", "side": "new"}
    assert registry.get_sample_value("gateway_side_failures_total", side) == 6
    assert registry.get_sample_value("gateway_side_latency_milliseconds", {**side, "quantile": "0.5"}) == 5.05
