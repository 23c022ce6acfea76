"""What Redis and the network raise has one name; everything else keeps its own."""

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from matapalo.process.outage import outage


class StoreUnavailable(Exception):
    pass


@pytest.mark.parametrize("error", [RedisConnectionError("refused"), ConnectionResetError("refused")])
def test_an_outage_is_raised_as_the_store_s_own_error(error: Exception) -> None:
    with pytest.raises(StoreUnavailable, match=r"^Redis does not answer: refused$") as raised, outage(StoreUnavailable):
        raise error
    assert raised.value.__cause__ is error


def test_an_error_without_a_text_is_named() -> None:
    with pytest.raises(StoreUnavailable, match="TimeoutError"), outage(StoreUnavailable):
        raise TimeoutError


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), outage(StoreUnavailable):
        raise KeyError("a bug")
