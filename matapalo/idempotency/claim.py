"""The claim of one attempt at a mutation: the ids under which everything it does happens once.

>>> claim = claim_of(info)
>>> workflow_id(claim.field, claim.record_id)                      # start or join a workflow
>>> rest.send(..., idempotency_key=claim.derived("charge"))        # or write at a service

There always is a claim: a field whose key is optional, and was not sent, has one that cannot be repeated. A claim
travels whole, also into workflows: nothing heavy may be imported here.
"""

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from matapalo.auth.viewer import Viewer
from matapalo.process.clock import Clock

if TYPE_CHECKING:
    from matapalo.idempotency.runner import Idempotency


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at one root field.

    ``record_id`` is derived from the key under the secret that signs, or under an older one when the record was found
    there. ``older_record_ids`` are those of older secrets, not found in Redis: a source of truth that outlives Redis
    may be asked for them. ``fingerprint`` is of the coerced arguments: another one under one key is a conflict.
    ``attempt_id`` names this attempt and no other.
    """

    field: str
    record_id: str
    fingerprint: str
    attempt_id: str
    older_record_ids: tuple[str, ...] = ()

    def derived(self, call: str) -> str:
        """The idempotency key of one of the resolver's calls to a service: the same for every attempt."""
        return f"{self.field}:{self.record_id}:{call}"

    async def located(self, exists: Callable[[str], Awaitable[bool]]) -> "Claim":
        """The same attempt, under the id of an older secret if something ``exists`` under that."""
        for older in self.older_record_ids:
            if await exists(older):
                return replace(self, record_id=older, older_record_ids=())
        return self


def record_id(secret: str, *, client: str, subject: str, field: str, key: str) -> str:
    """HMAC-SHA256 over client, subject, field and key, as 64 hex characters.

    Keyed with a secret, because ids travel (order ids, workflow ids): they reveal nothing of the client's key, and no
    client can choose one.
    """
    scope = json.dumps([client, subject, field, key], separators=(",", ":"))  # unambiguous, whatever is in the parts
    return hmac.digest(secret.encode(), scope.encode(), "sha256").hex()


class IdempotentRequest(Protocol):
    """The key of each root field by its response name (None without), and the deadline on the monotonic clock."""

    @property
    def idempotency_keys(self) -> Mapping[str, str | None]: ...

    @property
    def deadline_s(self) -> float: ...


class IdempotentContext(Protocol):
    """What ``info.context`` has for idempotent fields: ``claims`` by response name, and what goes into the response.

    ``replayed_attempts`` has the `Claim.attempt_id` of each attempt to which a source of truth outside Redis gave the
    result of an earlier one: resolvers add theirs.
    """

    @property
    def viewer(self) -> Viewer: ...

    @property
    def request(self) -> IdempotentRequest: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def idempotency(self) -> "Idempotency": ...

    claims: dict[str, Claim]
    replayed_attempts: set[str]
    response_headers: dict[str, str]
    response_extensions: dict[str, Any]

    def on_replayed(self, response_key: str) -> None:
        """Called for each root field whose result is that of an earlier execution."""
        ...


def claim_of(info: Any) -> Claim:
    """The claim of the root field that is being resolved. For resolvers of fields declared `Idempotent` only."""
    claim: Claim = info.context.claims[info.path.key]
    return claim
