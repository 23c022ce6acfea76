"""PostgreSQL: an engine tuned for many short statements, and two ways through it.

`reads()` is autocommit: no BEGIN and ROLLBACK around a single SELECT, which would triple the round trips. `writes()` is
one transaction, committed when the block ends and rolled back when it raises. Times are seconds unless named.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

# SQLSTATE classes and codes that say "not now" rather than "wrong": connection, shutdown, cancelled, deadlock, lock.
_RETRYABLE_CLASSES = ("08", "57", "53")
_RETRYABLE_STATES = frozenset({"40001", "40P01", "55P03"})


class Database:
    """One pool, shared by every service of the process. ``head`` is the migration the code was written for."""

    def __init__(self, url: str, *, head: str, connections: int = 10) -> None:
        self.head = head
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=2.0,
            json_deserializer=orjson.loads,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            connect_args={
                "timeout": 3.0,
                "server_settings": {
                    "application_name": "matapalo-subgraphs",
                    "jit": "off",
                    "statement_timeout": "5000",
                    "lock_timeout": "4000",
                    "timezone": "UTC",
                },
            },
        )
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def reads(self) -> AsyncIterator[AsyncConnection]:
        """A connection for SELECTs, without a transaction."""
        async with self._autocommit.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writes(self) -> AsyncIterator[AsyncConnection]:
        """A transaction (READ COMMITTED)."""
        async with self.engine.begin() as connection:
            yield connection

    async def close(self) -> None:
        await self.engine.dispose()

    async def why_not_ready(self) -> str | None:
        """One sentence saying what is wrong with the database, or `None` when it can be served from."""
        try:
            async with self.reads() as connection:
                revision = await connection.scalar(text("select version_num from alembic_version"))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            if _sqlstate(error) == "42P01":
                revision = None
            else:
                return f"The database does not answer ({type(error).__name__})."
        if revision == self.head:
            return None
        return f"The database is at migration {revision or 'none'}, this code needs {self.head}: {MIGRATE}."


MIGRATE = "run `python -m subgraphs migrate`"


def is_unavailable(error: Exception) -> bool:
    """Whether ``error`` says that the database is unavailable now, as opposed to a statement being wrong."""
    if isinstance(error, PoolTimeout | ConnectionError | TimeoutError):
        return True
    if isinstance(error, DBAPIError):
        state = _sqlstate(error)
        return error.connection_invalidated or state.startswith(_RETRYABLE_CLASSES) or state in _RETRYABLE_STATES
    return False


def _sqlstate(error: BaseException) -> str:
    return str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")
