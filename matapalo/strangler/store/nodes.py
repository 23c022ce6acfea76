"""On how many Envoys the stored version is live, from the reports of their agents.

An agent that has fallen silent still counts as a node, because its Envoy goes on without it; after a day it expires.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from matapalo.process.clock import Clock
from matapalo.strangler.store.changes import Changes
from matapalo.strangler.store.routes import NodeReport, RouteStore

SILENT_AFTER = timedelta(seconds=10)
EXPIRES_AFTER = timedelta(days=1)


class Nodes(NamedTuple):
    """The stored version and the last report of every node, at a moment."""

    version: int
    reports: Sequence[NodeReport]
    now: datetime

    def is_alive(self, report: NodeReport) -> bool:
        """Whether its agent has reported lately."""
        return self.now - report.at <= SILENT_AFTER

    def is_current(self, report: NodeReport) -> bool:
        """Whether the stored version is live in its Envoy, as far as its agent knows."""
        return report.is_live and report.version == self.version and self.is_alive(report)

    @property
    def live(self) -> int:
        return sum(self.is_current(report) for report in self.reports)

    @property
    def highest_applied(self) -> int:
        return max((report.version for report in self.reports), default=0)

    @property
    def expired(self) -> Sequence[NodeReport]:
        """The reports of nodes that do not count any more."""
        return [report for report in self.reports if self.now - report.at > EXPIRES_AFTER]


@dataclass(frozen=True)
class NodeReader:
    """Reads the reports; on the way it forgets those that have expired. Raises RedisUnavailable."""

    changes: Changes
    store: RouteStore
    clock: Clock

    async def read(self) -> Nodes:
        document = await self.changes.document()
        nodes = Nodes(document.version, await self.store.reports(), self.clock.now())
        for report in nodes.expired:
            await self.store.forget(report.node)
        return nodes._replace(reports=[report for report in nodes.reports if report not in nodes.expired])
