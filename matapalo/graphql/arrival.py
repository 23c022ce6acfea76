"""What is known of a request before its body is read, and the facts that resolvers get once its operation is known.

Everything here comes from headers, so everything is checked: ids and names that are not of the right form are
replaced or dropped, never forwarded. Source of ``traceparent``: W3C Trace Context §3.2.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from matapalo.graphql.request import RequestFacts

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_CANARY = re.compile(r"[a-z0-9-]{1,32}")
_CLIENT = re.compile(r"[ -~]{1,64}")
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{2,45}")
_NO_KEYS: Mapping[str, str | None] = {}


@dataclass(slots=True)
class Arrival:
    """A request as it came in. ``started_s`` is on the clock's monotonic scale; header names are lower-case."""

    headers: Mapping[bytes, bytes]
    request_id: str
    traceparent: str
    client_ip: str
    started_s: float

    @classmethod
    def of(cls, scope: Mapping[str, Any], started_s: float) -> "Arrival":
        """Read an ASGI scope. Of a header sent twice the last one counts, but two different keys are no key."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if b"idempotency-key" in headers:
            sent = [value for name, value in scope["headers"] if name == b"idempotency-key"]
            if len(set(sent)) > 1:
                headers[b"idempotency-key"] = b", ".join(sent)  # RFC 9110 §5.2: and not of the form of a key
        traceparent = _matching(_TRACEPARENT, headers.get(b"traceparent")) or new_traceparent()
        return cls(
            headers=headers,
            request_id=_matching(_REQUEST_ID, headers.get(b"x-request-id")) or traceparent[3:35],
            traceparent=traceparent,
            client_ip=_client_ip(headers.get(b"x-forwarded-for"), scope.get("client")),
            started_s=started_s,
        )

    def again(self, started_s: float) -> "Arrival":
        """The same connection's next operation: an id and a trace of its own."""
        traceparent = new_traceparent()
        return replace(self, request_id=traceparent[3:35], traceparent=traceparent, started_s=started_s)

    @property
    def client_name(self) -> str | None:
        """What the client calls itself, when it is printable and short."""
        return _matching(_CLIENT, self.headers.get(b"x-client-name"))

    @property
    def client_version(self) -> str | None:
        """The client's version, when it is printable and short."""
        return _matching(_CLIENT, self.headers.get(b"x-client-version"))

    def text(self, name: bytes) -> str | None:
        """A header as text; None when it is absent."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def facts(self, deadline_s: float, *, idempotency_keys: Mapping[str, str | None] = _NO_KEYS) -> RequestFacts:
        """What resolvers may know."""
        return RequestFacts(
            request_id=self.request_id,
            traceparent=self.traceparent,
            deadline_s=deadline_s,
            client_ip=self.client_ip,
            client_name=self.client_name,
            client_version=self.client_version,
            canary=_matching(_CANARY, self.headers.get(b"x-canary")),
            idempotency_keys=idempotency_keys,
        )


def new_traceparent() -> str:
    """A trace of our own: version 00, sampled."""
    digits = secrets.token_hex(24)
    return f"00-{digits[:32]}-{digits[32:]}-01"


def _matching(form: re.Pattern[str], value: bytes | None) -> str | None:
    if value is None:
        return None
    text = value.decode("latin-1")
    return text if form.fullmatch(text) else None


def _client_ip(forwarded: bytes | None, peer: tuple[str, int] | None) -> str:
    """Exactly one hop is trusted: the last address, which the edge itself wrote."""
    if forwarded is not None:
        last = forwarded.decode("latin-1").rpartition(",")[2].strip()
        if _ADDRESS.fullmatch(last):
            return last
    return peer[0] if peer else "unknown"
