"""Redis that does not answer: one translation of whatever redis-py and the network raise."""

from types import TracebackType

from redis.exceptions import RedisError


class outage:  # noqa: N801 - read as a statement: `with outage(StoreUnavailable):`; a class costs half of a generator
    """Raise ``unavailable`` for whatever Redis, or the way to it, raises inside."""

    __slots__ = ("_unavailable",)

    def __init__(self, unavailable: type[Exception]) -> None:
        self._unavailable = unavailable

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if isinstance(error, RedisError | OSError):  # a timeout is an OSError
            raise self._unavailable(f"Redis does not answer: {str(error) or type(error).__name__}") from error
