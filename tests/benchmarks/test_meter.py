"""`benchmarks.meter`: which requests count, and whose CPU."""

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.meter import cpu_s, rest_calls
from tests.harness.eventually import eventually_sync

METRICS = """\
# HELP http_requests_total Requests answered.
# TYPE http_requests_total counter
http_requests_total{method="GET",route="/api/orders",service="orders",status="200"} 12.0
http_requests_total{method="GET",route="/api/orders/{order_id}",service="orders",status="404"} 3.0
http_requests_total{method="GET",route="/readyz",service="orders",status="200"} 99.0
http_requests_created{method="GET",route="/api/orders",service="orders",status="200"} 1.7e+09
http_request_duration_seconds_count{method="GET",route="/api/orders",service="orders"} 12.0
"""

PARENT_OF_A_BUSY_CHILD = """\
import subprocess, sys
subprocess.run([sys.executable, "-c", "while True: pass"])
"""


@pytest.fixture
def busy_family() -> Iterator[psutil.Process]:
    with subprocess.Popen([sys.executable, "-c", PARENT_OF_A_BUSY_CHILD]) as started:
        parent = psutil.Process(started.pid)
        try:
            yield parent
        finally:
            for process in (*parent.children(recursive=True), parent):
                process.kill()


def test_only_calls_of_the_api_are_counted() -> None:
    assert rest_calls(METRICS) == 15


def test_a_service_that_was_never_asked_counts_nothing() -> None:
    assert rest_calls("# TYPE http_requests_total counter\n") == 0


def test_what_children_use_is_charged_to_their_parent(busy_family: psutil.Process) -> None:
    # Its own start costs some 0.02 s; more than that can only be the child's.
    eventually_sync(lambda: cpu_s(busy_family) > sum(busy_family.cpu_times()[:2]) + 0.1)


def test_a_measured_process_that_ends_ends_the_benchmark() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as started:
        process = psutil.Process(started.pid)
        started.communicate(b"\n")

    with pytest.raises(BenchmarkError, match=f"has ended .pid {started.pid}"):
        cpu_s(process)
