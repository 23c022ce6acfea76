"""What is stored of an outcome, and how the outcome is made again for another request, with another selection.

`replay_snapshot(Refunded, Declined)` stores the outcome as it was. `Replay` stores something smaller (an id, a receipt)
and loads the rest anew: less personal data at rest, and what can change is current.

An outcome is never None. Stored values are dataclasses or msgspec structs, by the name of their class: renaming one
makes the results stored under the old name unreadable, which is survived (`Unreadable`: the mutation is rerun where
that is safe, else its outcome is unknown).
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec


class Unreadable(Exception):
    """A stored result was written by another version."""


class Replay:
    """How the outcomes of one field are stored.

    ``store`` makes one of ``stored_types`` of an outcome, or None when the outcome is not final: the next request under
    the key runs the resolver again. ``restore`` makes the outcome of what was stored, for another request's context;
    without it, what is stored is the outcome.
    """

    def __init__(
        self,
        *stored_types: type,
        store: Callable[[Any], Any | None],
        restore: Callable[[Any, Any], Awaitable[Any]] | None = None,
    ) -> None:
        self._store = store
        self._restore = restore
        self._types_by_name = {stored_type.__name__: stored_type for stored_type in stored_types}
        if len(self._types_by_name) != len(stored_types):
            raise TypeError("two stored types have one name")

    def pack(self, outcome: Any) -> bytes | None:
        """The bytes to store; None when ``outcome`` is not final."""
        stored = self._store(outcome)
        if stored is None:
            return None
        name = type(stored).__name__
        if self._types_by_name.get(name) is not type(stored):
            raise TypeError(f"{name} is not among the stored types: {', '.join(self._types_by_name)}")
        return msgspec.msgpack.encode((name, stored))

    async def unpack(self, context: Any, packed: bytes) -> Any:
        """The outcome again. Raises `Unreadable`, and what ``restore`` raises."""
        try:
            name, raw = msgspec.msgpack.decode(packed, type=tuple[str, msgspec.Raw])
            stored: Any = msgspec.msgpack.decode(raw, type=self._types_by_name[name])
        except (msgspec.DecodeError, KeyError) as error:
            raise Unreadable(str(error)) from error
        return stored if self._restore is None else await self._restore(context, stored)


def replay_snapshot(*outcomes: type) -> Replay:
    """Store each of ``outcomes`` as it is."""
    return Replay(*outcomes, store=lambda outcome: outcome)
