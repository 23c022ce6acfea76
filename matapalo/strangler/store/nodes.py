"""On how many Envoys the stored version is live, from the reports of their agents. Pure.

An agent that has fallen silent still counts as a node, because its Envoy goes on without it; after a day it is
forgotten.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from matapalo.strangler.store.routes import NodeReport

SILENT_AFTER = timedelta(seconds=10)
FORGOTTEN_AFTER = timedelta(days=1)


class Nodes(NamedTuple):
    """The stored version and what is known of every node at a moment."""

    version: int
    reports: Sequence[NodeReport]
    now: datetime

    def hears(self, report: NodeReport) -> bool:
        """Whether its agent has spoken lately."""
        return self.now - report.at <= SILENT_AFTER

    def obeys(self, report: NodeReport) -> bool:
        """Whether its Envoy obeys the stored version, as far as is known."""
        return report.is_live and report.version == self.version and self.hears(report)

    @property
    def live(self) -> int:
        """On how many the stored version is live."""
        return sum(self.obeys(report) for report in self.reports)

    @property
    def highest_applied(self) -> int:
        """The highest version that any agent has applied."""
        return max((report.version for report in self.reports), default=0)

    @property
    def gone(self) -> Sequence[NodeReport]:
        """Those to be forgotten."""
        return [report for report in self.reports if self.now - report.at > FORGOTTEN_AFTER]
