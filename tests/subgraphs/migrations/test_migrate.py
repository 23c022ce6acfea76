"""Migrating a real database: once, twice, by two at a time, and not at all."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from subgraphs.kit.database import Database
from subgraphs.migrations.head import head
from subgraphs.migrations.migrate import CannotMigrate, migrate
from subgraphs.migrations.tables import metadata
from tests.harness.ports import free_port

pytestmark = pytest.mark.stack


@pytest.fixture
async def empty_url(database_url: str) -> AsyncIterator[str]:
    """A database of this test's own."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    await connection.execute("CREATE DATABASE migrated")
    yield f"{database_url.rpartition('/')[0]}/migrated"
    await connection.execute("DROP DATABASE migrated WITH (FORCE)")
    await connection.close()


async def scalar(url: str, statement: str) -> object:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.scalar(text(statement))
    finally:
        await engine.dispose()


async def test_two_at_once_seed_once_and_a_third_finds_nothing_to_do(empty_url: str) -> None:
    said: list[str] = []
    await asyncio.gather(*(migrate(empty_url, wait_s=5, say=said.append) for _ in range(2)))
    await migrate(empty_url, wait_s=5, say=said.append)
    assert sum(line.startswith("seeded") for line in said) == 1
    assert said[-2:] == [f"schema is at {head()}", "seed 2026-01 is loaded"]
    assert await scalar(empty_url, "select count(*) from orders") == 10_000


async def test_the_migrations_build_the_tables_that_the_code_declares(seeded_database_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    engine = create_async_engine(seeded_database_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_a_database_that_is_newer_than_the_code_is_left_alone(empty_url: str) -> None:
    await migrate(empty_url, wait_s=5, say=lambda _: None)
    engine = create_async_engine(empty_url)
    async with engine.begin() as connection:
        await connection.execute(text("update alembic_version set version_num = '9999'"))
    await engine.dispose()
    with pytest.raises(CannotMigrate, match=r"9999.*newer"):
        await migrate(empty_url, wait_s=5, say=lambda _: None)


async def test_a_service_is_not_ready_on_a_database_behind_the_head(empty_url: str, seeded_database_url: str) -> None:
    behind, ahead = Database(empty_url, head=head()), Database(seeded_database_url, head="9999")
    assert await behind.why_not_ready() == (
        f"The database is at migration none, this code needs {head()}: run `python -m subgraphs migrate`."
    )
    assert f"at migration {head()}, this code needs 9999" in str(await ahead.why_not_ready())
    await behind.close()
    await ahead.close()


async def test_a_missing_database_is_one_sentence_without_its_password() -> None:
    said: list[str] = []
    url = f"postgresql+asyncpg://matapalo:secret@127.0.0.1:{free_port()}/matapalo"
    with pytest.raises(CannotMigrate, match="No database at ") as refused:
        await migrate(url, wait_s=0.2, say=said.append)
    assert len(said) == 1
    assert "secret" not in f"{refused.value}{said}"
