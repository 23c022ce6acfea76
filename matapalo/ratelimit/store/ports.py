"""What the limiter needs of its store, and how that fails. One server and a cluster are in redis_store.py."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from matapalo.ratelimit.store.scripts import Name

PREFIX = "rl:"


class StoreUnavailable(Exception):
    """The store did not respond in time, or with an error."""


class Call(msgspec.Struct, frozen=True, gc=False):
    """A script with its one key, and its arguments in the order of `matapalo.ratelimit.rules.wire`."""

    script: Name
    key: str
    arguments: tuple[bytes | int, ...]


class Store(Protocol):
    """Scripts by key, and one small hash for the configuration. All raise `StoreUnavailable`."""

    async def run(self, calls: Sequence[Call]) -> Sequence[Any]:
        """The result of each call, in their order; an exception for one that failed by itself."""
        ...

    async def delete(self, key: str) -> bool:
        """Whether there was something."""
        ...

    async def fields(self, *names: str) -> list[bytes | None]:
        """Fields of the configuration."""
        ...

    async def publish(self, fields: Mapping[str, str | None], *, counter: str) -> None:
        """Write fields of the configuration (None removes) and count ``counter`` up, in one step."""
        ...

    async def aclose(self) -> None: ...


def key_of(subject: str, namespace: str = "") -> str:
    """The one key of a subject. The hash tag keeps whatever may be added beside it in the same slot of a cluster.

    ``namespace`` (`NAME/`) sets apart the limits of a client that has tiers of its own.
    """
    return f"{PREFIX}{{{namespace}{subject}}}"


def config_key(namespace: str = "") -> str:
    return key_of("config", namespace)
