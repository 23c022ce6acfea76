"""The errors of redis-py as one of ours: StoreUnavailable."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from matapalo.strangler.errors import StoreUnavailable


@contextmanager
def outage() -> Iterator[None]:
    """Raise StoreUnavailable for every error of Redis inside."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer: {error}") from error
