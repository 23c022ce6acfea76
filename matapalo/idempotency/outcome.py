"""What a failure says about the effect of a mutation. Pure.

Clean: it is certain that nothing happened, so the key is free again and the client may correct its input. Everything
else is ambiguous (a time-out, a 5xx, a bug, a cancelled task): the effect may have happened, and is never forgotten.
"""

from matapalo.errors import (
    Forbidden,
    IdempotencyKeyReused,
    NotFound,
    Overloaded,
    RequestError,
    UpstreamRejected,
)

_CLEAN = (RequestError, Forbidden, NotFound, Overloaded, IdempotencyKeyReused, UpstreamRejected)


def is_clean(failure: BaseException) -> bool:
    """Whether ``failure`` of a resolver means that nothing happened."""
    return isinstance(failure, _CLEAN)
