"""Brings a database to the head and seeds it once: `python -m subgraphs migrate`. Safe to run twice, or by two at once.

One transaction under an advisory lock: the second runner waits, then finds nothing to do; a failure leaves nothing
half done. Waits for a database that is still starting. Raises `CannotMigrate` with one sentence.
"""

import asyncio
import time
from collections.abc import Callable

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from subgraphs.migrations import seed
from subgraphs.migrations.head import configuration, head
from subgraphs.migrations.tables import seeds

ADVISORY_LOCK = 0x6D617461  # "mata": any number that no other lock uses
RETRY_S = 0.1

Say = Callable[[str], None]


class CannotMigrate(RuntimeError):
    """One sentence that says what is wrong."""


async def migrate(url: str, *, wait_s: float, say: Say) -> None:
    """Migrates and seeds the database at ``url``; ``say`` gets a line for each step."""
    engine = create_async_engine(url, poolclass=NullPool, connect_args={"timeout": 3.0})
    try:
        await _wait_for_database(engine, wait_s, say)
        async with engine.begin() as connection:
            await connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
            await _upgrade(connection, say)
            await _seed(connection, say)
    finally:
        await engine.dispose()


async def _wait_for_database(engine: AsyncEngine, wait_s: float, say: Say) -> None:
    deadline = time.monotonic() + wait_s
    said = False
    while True:
        try:
            async with engine.connect() as connection:
                await connection.execute(text("select 1"))
            return
        except (OSError, TimeoutError, DBAPIError) as error:
            where = engine.url.render_as_string(hide_password=True)
            if time.monotonic() >= deadline:
                reason = str(getattr(error, "orig", error)) or type(error).__name__
                raise CannotMigrate(f"No database at {where} after {wait_s:g} s: {reason}") from error
            if not said:
                say(f"waiting for {where}")
                said = True
            await asyncio.sleep(RETRY_S)


async def _upgrade(connection: AsyncConnection, say: Say) -> None:
    began = time.perf_counter()
    before, needed = await connection.run_sync(_revision), head()
    if before == needed:
        say(f"schema is at {needed}")
        return
    known_revisions = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
    if before is not None and before not in known_revisions:
        raise CannotMigrate(f"The database is at migration {before}, which this code does not know: it is newer.")
    await connection.run_sync(_run_alembic)
    say(f"schema migrated from {before or 'nothing'} to {needed} in {time.perf_counter() - began:.2f} s")


def _revision(connection: Connection) -> str | None:
    if connection.scalar(text("select to_regclass('alembic_version')")) is None:
        return None
    revision: str | None = connection.scalar(text("select version_num from alembic_version"))
    return revision


def _run_alembic(connection: Connection) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def _seed(connection: AsyncConnection, say: Say) -> None:
    if (await connection.execute(select(seeds).where(seeds.c.name == seed.NAME))).first() is not None:
        say(f"seed {seed.NAME} is loaded")
        return
    began = time.perf_counter()
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101  # the connection is open
    total = 0
    for table in seed.generate():
        await driver.copy_records_to_table(table.name, columns=table.columns, records=table.rows)
        total += len(table.rows)
    await connection.execute(insert(seeds).values(name=seed.NAME))
    await connection.execute(text("analyze"))
    say(f"seeded {total} rows in {time.perf_counter() - began:.2f} s")
