"""Who is asking: what a verified token says, and nothing about how it was verified."""

from dataclasses import dataclass
from typing import Literal

Tier = Literal["anonymous", "free", "basic", "premium", "enterprise"]
Role = Literal["anonymous", "customer", "warehouse", "operator", "service"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """The subject of a request. ``subject`` is None for an anonymous one, whose ``role`` and ``tier`` say so."""

    subject: str | None
    tier: Tier = "free"
    role: Role = "customer"
    cohort: str | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether no token was sent."""
        return self.subject is None

    def identity_headers(self) -> dict[str, str]:
        """The headers by which the internal listener and the services know the viewer; empty for an anonymous one."""
        if self.subject is None:
            return {}
        headers = {"x-user-id": self.subject, "x-role": self.role, "x-tier": self.tier}
        if self.cohort is not None:
            headers["x-cohort"] = self.cohort
        return headers


ANONYMOUS = Viewer(subject=None, tier="anonymous", role="anonymous")
