"""The store in memory keeps what the real ones keep."""

import pytest

from bff.clock import SystemClock
from tests.bff.ratelimit.suite import LimiterSuite
from tests.support.limits import MemoryStore


class TestInMemory(LimiterSuite):
    """`tests/support/limits.py`."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore(SystemClock())
