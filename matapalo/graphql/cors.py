"""Which origins may read responses, and what they may send and see. Pure.

Origins are compared whole. No cookie is ever read, so credentials are not offered and a foreign page can do nothing in
a user's name: what needs no preflight is a GET, which only reads, as an anonymous viewer. Such a request is
run all the same; the browser keeps the response from the page. A WebSocket has no such check: there the origin decides
(`may_connect`). Not starlette's CORSMiddleware: docs/decisions/0054.
"""

import re
from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

_LOCAL = re.compile(r"http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?")

_EXPOSED = (
    b"RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
    b"X-RateLimit-Degraded, Retry-After, Idempotency-Replayed, X-Strangler-Target, X-Request-Id"
)
_ACCEPTED = (
    b"Authorization, Content-Type, Idempotency-Key, X-Client-Name, X-Client-Version, X-Canary, X-Request-Id, "
    b"traceparent"
)


class Cors:
    """The exact origins of settings; in development every port of this machine as well."""

    def __init__(self, origins: Iterable[str], *, local: bool) -> None:
        self._origins = frozenset(origins)
        self._local = local

    def allows(self, origin: str) -> bool:
        """Whether pages of ``origin`` may read responses."""
        return origin in self._origins or (self._local and _LOCAL.fullmatch(origin) is not None)

    def may_connect(self, origin: str | None, host: str | None) -> bool:
        """Whether a WebSocket handshake is welcome: from no browser, from our own page, or from an allowed origin."""
        return origin is None or self.allows(origin) or (host is not None and origin.partition("://")[2] == host)

    def headers(self, origin: bytes | None) -> Headers:
        """What a response says about ``origin``."""
        if origin is None or not self.allows(origin.decode("latin-1")):
            return []
        return [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", _EXPOSED)]

    def preflight(self, origin: bytes | None) -> Headers:
        """What the response to an OPTIONS says."""
        if origin is None or not self.allows(origin.decode("latin-1")):
            return []
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", b"GET, POST"),
            (b"access-control-allow-headers", _ACCEPTED),
            (b"access-control-max-age", b"7200"),
        ]
