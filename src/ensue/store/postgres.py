"""The PostgreSQL driver: transactions on a pool, tried again when the server says that this may help."""

import asyncio
import random
import time
from collections.abc import Awaitable, Sequence
from functools import lru_cache
from typing import Final, Literal, TypeVar, cast

import asyncpg

from ensue.model.errors import EnsueError, StoreBroken, StoreFull, StoreUnreachable, Unavailable
from ensue.store.pool import Connection, Pool
from ensue.store.statement import Begin, Row, Sql, Statement, T, Transaction, together

OLDEST: Final = 14
CONNECT_SECONDS: Final = 10.0
STATEMENT_SECONDS: Final = 60.0
PATIENCE_SECONDS: Final = 10.0
FIRST_PAUSE_SECONDS: Final = 0.01
LONGEST_PAUSE_SECONDS: Final = 1.0
MOST_ARGUMENTS: Final = 30_000
"""Of one statement; the protocol counts them in 16 bits, and asyncpg takes the half of it."""

WRITE: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_GOING_DOWN = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    # Asked between the server's last word and the end of the connection.
    asyncpg.InternalClientError,
)
_UNREACHABLE = (*_GOING_DOWN, OSError, TimeoutError, asyncpg.InterfaceError)
_REPEATABLE = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,
)
_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
# Classes of errors that the same statement meets again: feature, cardinality, data, constraint, syntax, raised by hand.
_OWN_FAULT = ("0A", "21", "22", "23", "42", "P0")

A = TypeVar("A")


class PostgresDriver:
    """Behind a pooler in transaction mode, set `statement_cache` to 0 or let the pooler track prepared statements."""

    dialect: Final[Literal["postgres"]] = "postgres"

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        statement_cache: int = 500,
        statement_seconds: float | None = STATEMENT_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self.url = url
        self._pool_size = pool_size
        self._statement_cache = statement_cache
        self._statement_seconds = statement_seconds
        self._patience_seconds = patience_seconds
        self._pool: Pool | None = None
        self._accepted: set[asyncio.Future[None]] = set()

    async def open(self) -> None:
        pool = Pool(connect=self._connect, size=self._pool_size)
        try:
            pool.release(await pool.acquire())
        except Exception as error:
            if (found := named(error)) is error:
                raise
            raise found from error
        self._pool = pool

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            if self._accepted:
                await asyncio.wait(self._accepted)
            await pool.close()

    async def _connect(self) -> Connection:
        connection = await asyncpg.connect(
            self.url,
            statement_cache_size=self._statement_cache,
            command_timeout=self._statement_seconds,
            timeout=CONNECT_SECONDS,
            server_settings={"application_name": "ensue"},
        )
        _require_version(connection)
        return connection

    async def write(self, begin: Begin[T]) -> T:
        return await self._persist(WRITE, begin)

    async def read(self, begin: Begin[T]) -> T:
        return await self._persist(READ, begin)

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        return await self._persist("", lambda: _one(statement))

    async def _persist(self, mode: str, begin: Begin[T]) -> T:
        pool = self._pool
        if pool is None:
            raise Unavailable("The store is closed")
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._accepted.add(ended)
        try:
            return await self._try(pool, mode, begin)
        finally:
            self._accepted.discard(ended)
            ended.set_result(None)

    async def _try(self, pool: Pool, mode: str, begin: Begin[T]) -> T:
        """Until it is done, failed for good, or patience ends."""
        deadline = time.monotonic() + self._patience_seconds
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await _transact(pool, mode, begin)
            except _Again as again:
                if time.monotonic() + pause > deadline or self._pool is not pool:
                    raise again.error from again.error.__cause__
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def _transact(pool: Pool, mode: str, begin: Begin[T]) -> T:
    """One try. Group commit would take several `begin` here, with a savepoint for each."""
    connection = await _acquire(pool)
    try:
        if not mode:
            return await _alone(connection, begin)
        await _begin(connection, mode)
        try:
            result = await perform(connection, begin)
        except BaseException as error:
            await _abandon(connection)
            if mode == WRITE and isinstance(error, asyncpg.ReadOnlySQLTransactionError):
                raise _elsewhere(connection, error) from error
            raise
        await _commit(connection)
        return result
    finally:
        pool.release(connection)


async def _alone(connection: Connection, begin: Begin[T]) -> T:
    try:
        return await perform(connection, begin)
    except BaseException:
        # Between preparing a statement and executing it the server is inside a transaction that nobody began.
        await _abandon(connection, "")
        raise


class _Again(Exception):
    """This try failed, the next one may not."""

    def __init__(self, error: EnsueError) -> None:
        self.error = error
        super().__init__(str(error))


async def perform(connection: Connection, begin: Begin[T]) -> T:
    transaction = begin()
    quiet: list[Statement] = []
    held = 0
    try:
        statement = next(transaction)
        while True:
            answer: list[Row] = []
            count = len(statement.args)
            if quiet and (not statement.is_quiet or held + count > MOST_ARGUMENTS):
                await _ask(connection, execute(connection, combined(quiet)))
                quiet, held = [], 0
            if statement.is_quiet:
                quiet.append(statement)
                held += count
            else:
                answer = await _ask(connection, execute(connection, statement))
            statement = transaction.send(answer)
    except StopIteration as stop:
        if quiet:
            await _ask(connection, execute(connection, combined(quiet)))
        result: T = stop.value
        return result
    finally:
        transaction.close()


def combined(statements: Sequence[Statement]) -> Statement:
    """One round trip for all."""
    if len(statements) == 1:
        return statements[0]
    sql = _together(tuple(statement.sql for statement in statements))
    return sql(*(arg for statement in statements for arg in statement.args))


@lru_cache(maxsize=512)
def _together(parts: tuple[Sql, ...]) -> Sql:
    return Sql(together([part.postgres for part in parts]))


async def execute(connection: Connection, statement: Statement) -> list[Row]:
    sql, args, is_many, _ = statement
    if is_many:
        await connection.executemany(sql.postgres, args)
        return []
    return cast(list[Row], await connection.fetch(sql.postgres, *args))


def _one(statement: Statement) -> Transaction[Sequence[Row]]:
    return (yield statement)


async def _acquire(pool: Pool) -> Connection:
    try:
        return await pool.acquire()
    except _UNREACHABLE as error:
        raise _Again(_unreachable(error)) from error
    except asyncpg.PostgresError as error:
        raise named(error) from error


async def _ask(connection: Connection, answer: Awaitable[A]) -> A:
    """What the connection answers, with errors that say whether another try may help."""
    try:
        return await answer
    except _REPEATABLE as error:
        raise _Again(Unavailable(f"The database could not serialise the transaction: {error}")) from error
    except Exception as error:
        if connection.is_closed() or isinstance(error, _GOING_DOWN):
            raise _Again(_unreachable(error)) from error
        if (found := named(error)) is error:
            raise
        raise found from error


async def _begin(connection: Connection, mode: str) -> None:
    try:
        await _ask(connection, connection.execute(mode))
    except asyncpg.FeatureNotSupportedError as error:
        raise _elsewhere(connection, error) from error
    except BaseException:
        await _abandon(connection)
        raise


def _elsewhere(connection: Connection, error: asyncpg.PostgresError) -> _Again:
    """The server has become a standby; a new connection may find the one that takes writes."""
    connection.terminate()
    return _Again(Unavailable(f"The database takes no writes: {error}"))


async def _commit(connection: Connection) -> None:
    """A connection lost from here on leaves open whether the transaction was committed: no second try."""
    try:
        await _ask(connection, connection.execute("COMMIT"))
    except (_Again, StoreUnreachable) as error:
        connection.terminate()
        if isinstance(error, _Again) and not isinstance(error.error, StoreUnreachable):
            raise
        raise StoreUnreachable(
            "The database was lost during a commit: whether it took place is not known",
            remedy="look before trying again",
        ) from error
    except BaseException:
        await _abandon(connection)
        raise


async def _abandon(connection: Connection, end: str = "ROLLBACK") -> None:
    """Roll back; a connection that cannot is of no use to anyone."""
    try:
        await connection.execute(end, timeout=CONNECT_SECONDS)
    except Exception:
        # Whatever it is: the error that led here is the one to be raised.
        connection.terminate()
    except BaseException:
        connection.terminate()
        raise


def _require_version(connection: Connection) -> None:
    found = connection.get_server_version()
    if found.major < OLDEST:
        connection.terminate()
        raise StoreBroken(f"PostgreSQL {found.major} is too old", remedy=f"use PostgreSQL {OLDEST} or later")


def named(error: Exception) -> Exception:
    """The error callers know, where there is one; otherwise the same. Never says the password."""
    if isinstance(error, asyncpg.DiskFullError):
        return StoreFull(remedy="free some space on the database server")
    if isinstance(error, _REFUSED):
        return StoreUnreachable(
            f"The database refuses the connection: {error}", remedy="check user, password and name of the database"
        )
    if isinstance(error, (*_GOING_DOWN, OSError, TimeoutError)):
        return _unreachable(error)
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError) or not isinstance(error, asyncpg.PostgresError):
        return error
    is_own_fault = (error.sqlstate or "").startswith(_OWN_FAULT)
    return error if is_own_fault else Unavailable(f"The database could not do this now: {error}")


def _unreachable(error: BaseException) -> StoreUnreachable:
    return StoreUnreachable(f"The database cannot be reached: {str(error) or type(error).__name__}")
