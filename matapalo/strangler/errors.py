"""The strangler's errors.

* GatewayError
  - InvalidSettings      the environment cannot be used; the process does not start
  - InvalidRoutes        a routes document breaks rules
    - InvalidChange      a requested change breaks rules              (422)
  - RouteNotFound        no route of this name                        (404)
  - RolloutNotFound      the route never had a rollout                (404)
  - RolloutConflict      not in this phase, or there is one already   (409)
  - RolloutsUnavailable  Temporal or the gateway's worker is away     (503)
  - Unauthenticated      no token, or one that does not verify        (401)
  - Forbidden            the token's role may not do this             (403)
  - RedisUnavailable     Redis does not answer                        (503)
  - StoreConflict        another process wrote the routes first       (409)
  - NotReady             legacy is still needed                       (409)
  - PreconditionFailed   the route is not at the expected revision    (412)
  - PreconditionMissing  the caller gives no expected revision        (428)
  - EnvoyUnreachable     Envoy's admin socket does not answer
  - EnvoyRefused         Envoy did not take a file

`matapalo.strangler.api.problems` renders those with a status as `application/problem+json`.
"""

from collections.abc import Sequence


class GatewayError(Exception):
    """The root: catch it to report, never to hide."""


class InvalidSettings(GatewayError):
    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class InvalidRoutes(GatewayError):
    """A routes document breaks rules. Each problem names the route, the value and what would be right."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class InvalidChange(InvalidRoutes):
    """A change that is asked for breaks rules."""

    def __init__(self, *problems: str) -> None:
        super().__init__(problems)


class RouteNotFound(GatewayError):
    """No route of this name."""


class RolloutNotFound(GatewayError):
    """The route never had a rollout."""


class RolloutConflict(GatewayError):
    """The rollout is not in a phase for this, or the route already has one."""


class RolloutsUnavailable(GatewayError):
    """Temporal, or the gateway's worker, does not answer."""


class Unauthenticated(GatewayError):
    """No token, or one that does not verify."""


class Forbidden(GatewayError):
    """The token's role may not do this."""


class RedisUnavailable(GatewayError):
    """Redis does not answer."""


class StoreConflict(GatewayError):
    """The stored version is not the one the change was made from."""


class NotReady(GatewayError):
    """The legacy side is still needed. Each reason names a caller that uses it, or evidence that is missing."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)


class PreconditionFailed(GatewayError):
    """The route is not at the revision that the caller expects."""


class PreconditionMissing(GatewayError):
    """The caller gives no revision that it expects."""


class EnvoyUnreachable(GatewayError):
    """Envoy's admin socket does not answer: not started yet, or stopped."""


class EnvoyRefused(GatewayError):
    """Envoy did not take a file: it says why nowhere but in its log."""
