"""What is kept of an outcome, and how the outcome is made again for another request, with another selection.

`snapshot(Refunded, Refused)` keeps the outcome as it was. `Replay` keeps something smaller (an id, a receipt) and loads
the rest anew: less personal data at rest, and what can change is shown as it is now.

An outcome is never None. Kept values are dataclasses or msgspec structs, by the name of their class: renaming one makes
the answers kept under the old name unreadable, which is survived (`Unreadable`: the truth outside Redis is asked, or
the outcome is unknown).
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec


class Unreadable(Exception):
    """What is kept was written by another version."""


class Replay:
    """How the outcomes of one field are kept.

    ``keep`` makes one of ``kept`` of an outcome, or None when the outcome is not final: the next request under the key
    runs the resolver again. ``restore`` makes the outcome of what was kept, for the context of another request.
    """

    def __init__(
        self,
        *kept: type,
        keep: Callable[[Any], Any | None],
        restore: Callable[[Any, Any], Awaitable[Any]],
    ) -> None:
        self._keep = keep
        self._restore = restore
        self._kept = {each.__name__: each for each in kept}
        if len(self._kept) != len(kept):
            raise TypeError("two kept types have one name")

    def pack(self, outcome: Any) -> bytes | None:
        """The bytes to keep; None when ``outcome`` is not final."""
        kept = self._keep(outcome)
        if kept is None:
            return None
        name = type(kept).__name__
        if self._kept.get(name) is not type(kept):
            raise TypeError(f"{name} is not among the kept types: {', '.join(self._kept)}")
        return msgspec.msgpack.encode((name, kept))

    async def unpack(self, context: Any, packed: bytes) -> Any:
        """The outcome again. Raises `Unreadable`, and what ``restore`` raises."""
        return await self._restore(context, self._decoded(packed))

    def _decoded(self, packed: bytes) -> Any:
        try:
            name, raw = msgspec.msgpack.decode(packed, type=tuple[str, msgspec.Raw])
            return msgspec.msgpack.decode(raw, type=self._kept[name])
        except (msgspec.DecodeError, KeyError) as error:
            raise Unreadable(str(error)) from error


def snapshot(*outcomes: type) -> Replay:
    """Keep each of ``outcomes`` as it is."""

    async def restore(_context: Any, outcome: Any) -> Any:
        return outcome

    return Replay(*outcomes, keep=lambda outcome: outcome, restore=restore)
