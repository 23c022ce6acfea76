"""One name for everything that can go wrong with Redis: StoreUnavailable."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from matapalo.strangler.errors import StoreUnavailable


@contextmanager
def outage() -> Iterator[None]:
    """Raises StoreUnavailable for whatever Redis raises inside."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer: {error}") from error
