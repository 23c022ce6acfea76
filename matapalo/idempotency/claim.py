"""What the resolver of an `Idempotent` field knows of its attempt: under which ids everything it does happens once.

>>> claim = claim_of(info)
>>> workflow_id(claim.field, claim.record_id)                      # start or join a workflow
>>> rest.send(..., idempotency_key=claim.derived("charge"))        # or write at a service

There always is a claim: a field whose key is optional, and was not sent, has one that nobody can repeat.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, eq=False)
class Claim:
    """One attempt at one root field.

    ``record_id`` is derived from the key under the secret that signs, or under an older one when the record was found
    there. ``older_record_ids`` are those of older secrets, not (or no longer) found in Redis: whose truth outlives
    Redis may ask for them. ``fingerprint`` is of the coerced arguments: another one under one key is a conflict.
    ``attempt_id`` names this attempt and no other.
    """

    field: str
    record_id: str
    older_record_ids: tuple[str, ...]
    fingerprint: str
    attempt_id: str
    answered_before: bool = False
    """Set by a resolver to which the truth outside Redis gave the answer of an earlier attempt."""

    def derived(self, call: str) -> str:
        """The idempotency key of one of the resolver's calls to a service: the same for every attempt."""
        return f"{self.field}:{self.record_id}:{call}"


def claim_of(info: Any) -> Claim:
    """The claim of the root field that is being resolved. For resolvers of fields declared `Idempotent` only."""
    claim: Claim = info.context.claims[info.path.key]
    return claim
