"""Single-use codes, on a Redis in memory and on a real one."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fakeredis import FakeAsyncRedis

from matapalo.strangler.errors import RedisUnavailable
from matapalo.strangler.store.login_codes import CODE_LIVES_S, LoginCodes
from matapalo.strangler.store.routes import connect
from tests.harness.ports import free_port


@pytest_asyncio.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.stack)])
async def codes(request: pytest.FixtureRequest) -> AsyncIterator[LoginCodes]:
    redis = FakeAsyncRedis() if request.param == "memory" else connect(request.getfixturevalue("valkey_url"))
    yield LoginCodes(redis)
    await redis.aclose()


async def test_a_code_yields_its_token_once(codes: LoginCodes) -> None:
    code = await codes.mint("a token")
    assert await codes.exchange(code) == "a token"
    assert await codes.exchange(code) is None


async def test_a_code_that_was_never_given_out_yields_nothing(codes: LoginCodes) -> None:
    assert await codes.exchange("invented") is None


@pytest.mark.stack
async def test_redis_holds_no_token_and_no_code_and_forgets_soon(valkey_url: str) -> None:
    redis = connect(valkey_url)
    code = await LoginCodes(redis).mint("eyJ-a-token")
    (key,) = [key async for key in redis.scan_iter(match="gateway:console:code:*")]
    value = await redis.get(key)
    assert isinstance(value, bytes)
    assert b"eyJ-a-token" not in value
    assert code.encode() not in key + value
    assert 0 < await redis.ttl(key) <= CODE_LIVES_S
    await redis.aclose()


async def test_without_redis_there_are_no_codes() -> None:
    redis = connect(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(RedisUnavailable, match="Redis does not answer"):
        await LoginCodes(redis).mint("a token")
    await redis.aclose()
