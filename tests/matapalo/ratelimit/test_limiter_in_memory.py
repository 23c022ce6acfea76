"""The store in memory keeps what the real ones keep."""

import pytest

from matapalo.process.clock import SystemClock
from tests.harness.limits import MemoryStore
from tests.harness.limits_contract import LimiterSuite


class TestInMemory(LimiterSuite):
    """`tests/harness/limits.py`."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore(SystemClock())
