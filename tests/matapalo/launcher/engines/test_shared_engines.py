"""The engines that all stack tests share answer, each in its own protocol."""

import asyncpg
import pytest
from redis.asyncio import Redis
from temporalio.client import Client

pytestmark = pytest.mark.stack


async def test_valkey_answers_and_evicts_nothing(valkey_url: str) -> None:
    async with Redis.from_url(valkey_url) as redis:
        assert await redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


async def test_postgres_serves_an_empty_database_in_utf8(database_url: str) -> None:
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        assert await connection.fetchval("SELECT current_database()") == "matapalo"
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        assert await connection.fetchval("SELECT lower('ÀÉ')") == "àé"
    finally:
        await connection.close()


async def test_temporal_knows_our_search_attributes(temporal_address: str) -> None:
    client = await Client.connect(temporal_address)
    count = await client.count_workflows("OrderStatus = 'PLACED' AND CustomerId = 'cust_0001'")
    assert count.count == 0
