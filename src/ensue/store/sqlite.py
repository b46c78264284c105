"""The SQLite driver: one writer thread that commits in groups, a few readers on snapshots of their own.

Connections never leave their thread. Work comes in through a queue and results go back to the loop in
one call per batch, so that a transaction costs the loop two hops however many statements it has.
"""

import asyncio
import contextlib
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, Literal, TypeAlias

from ensue.model.errors import Conflict, EnsueError, Unavailable
from ensue.store import sqlite_file
from ensue.store.statement import NOW, Begin, Row, Statement, T, Transaction

MEMBERS: Final = 256
READERS: Final = 3
IDLE_SECONDS: Final = 1.0
# Each call into SQLite gives the interpreter lock away. With Python's default of 5 ms a busy loop thread would
# make every statement wait that long for it; measured, see docs/store.md.
SWITCH_SECONDS: Final = 0.00005


class Member(Generic[T]):
    """One transaction on its way through a thread, and what became of it."""

    __slots__ = ("begin", "error", "future", "result")

    def __init__(self, begin: Begin[T], future: "asyncio.Future[T]") -> None:
        self.begin = begin
        self.future = future
        self.result: T | None = None
        self.error: BaseException | None = None

    def run(self, cursor: sqlite3.Cursor) -> None:
        """Raises what the transaction raises."""
        self.result = perform(cursor, self.begin)

    def fail(self, error: BaseException) -> None:
        self.error = sqlite_file.named(error)

    def settle(self) -> None:
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]


Inbox: TypeAlias = "SimpleQueue[Member[Any] | None]"
Deliver: TypeAlias = Callable[[Sequence[Member[Any]]], None]


class SqliteDriver:
    """Owns the file at `path`: no other process may write it (see ownership.py)."""

    dialect: Final[Literal["sqlite"]] = "sqlite"

    def __init__(self, path: Path, *, readers: int = READERS, is_read_only: bool = False) -> None:
        """Read-only: beside the owner of the file, in another process of the same host."""
        self.path = path
        self._is_read_only = is_read_only
        self._readers = readers
        self._writer: threading.Thread | None = None
        self._reading: list[threading.Thread] = []
        self._writes: Inbox = SimpleQueue()
        self._reads: Inbox = SimpleQueue()
        self._is_open = False

    async def open(self) -> None:
        sqlite_file.require_version()
        if sys.getswitchinterval() > SWITCH_SECONDS:
            sys.setswitchinterval(SWITCH_SECONDS)
        self._loop = asyncio.get_running_loop()
        self._writes, self._reads = SimpleQueue(), SimpleQueue()
        try:
            if not self._is_read_only:
                self._writer = await self._start(Writer(self.path, self._writes, self._deliver))
            for _ in range(self._readers):
                self._reading.append(await self._start(Reader(self.path, self._reads, self._deliver)))
        except BaseException:
            await self._stop()
            raise
        self._is_open = True

    async def close(self) -> None:
        if self._is_open:
            self._is_open = False
            await self._stop()

    async def write(self, begin: Begin[T]) -> T:
        if self._is_read_only:
            raise Conflict("The store is open for reading only")
        return await self._hand(self._writes, begin)

    async def read(self, begin: Begin[T]) -> T:
        return await self._hand(self._reads, begin)

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        return await self._hand(self._reads, lambda: _one(statement))

    def _hand(self, inbox: Inbox, begin: Begin[T]) -> "asyncio.Future[T]":
        if not self._is_open:
            raise Unavailable("The store is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        inbox.put(Member(begin, future))
        return future

    def _deliver(self, members: Sequence[Member[Any]]) -> None:
        # Without a loop there is nobody left who could wait for the answer.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_settle, members)

    async def _start(self, worker: "Writer | Reader") -> threading.Thread:
        ready: asyncio.Future[None] = self._loop.create_future()
        start = Member(_nothing, ready)
        thread = threading.Thread(target=worker.run, args=(start,), name=worker.name, daemon=True)
        thread.start()
        try:
            await ready
        except EnsueError:
            thread.join()
            raise
        return thread

    async def _stop(self) -> None:
        """Readers first: the writer truncates the log when nobody reads from it."""
        readers, self._reading = self._reading, []
        for _ in readers:
            self._reads.put(None)
        for reader in readers:
            await asyncio.to_thread(reader.join)
        writer, self._writer = self._writer, None
        if writer is not None:
            self._writes.put(None)
            await asyncio.to_thread(writer.join)


class Writer:
    """Takes all that is queued, runs it as one transaction, commits, delivers; who fails in it concerns no other."""

    name = "ensue-store-writer"

    def __init__(self, path: Path, inbox: Inbox, deliver: Deliver) -> None:
        self._path = path
        self._inbox = inbox
        self._deliver = deliver

    def run(self, start: Member[None]) -> None:
        try:
            connection = sqlite_file.connect_writer(self._path)
        except Exception as error:
            # Raised by `open`, which waits for this thread.
            start.fail(error)
            return self._deliver([start])
        self._deliver([start])
        self._cursor = connection.cursor()
        try:
            while self._turn():
                pass
            self._checkpoint("TRUNCATE")
        finally:
            connection.close()

    def _turn(self) -> bool:
        try:
            first = self._inbox.get(timeout=IDLE_SECONDS)
        except Empty:
            self._checkpoint("PASSIVE")
            first = self._inbox.get()
        members: list[Member[Any]] = []
        while first is not None:
            members.append(first)
            if len(members) == MEMBERS or self._inbox.empty():
                break
            first = self._inbox.get()
        if members:
            self._commit(members)
            self._deliver(members)
        return first is not None

    def _commit(self, members: Sequence[Member[Any]]) -> None:
        """Together if possible. When SQLite gave up the whole transaction, each for itself."""
        try:
            if len(members) > 1 and (self._commit_at_once(members) or self._commit_together(members)):
                return
            for member in members:
                self._commit_alone(member)
        except sqlite3.Error as error:
            self._roll_back()
            for member in members:
                member.fail(error)

    def _commit_at_once(self, members: Sequence[Member[Any]]) -> bool:
        """Without savepoints, which are two statements each. False, with nothing written, if one of them fails."""
        if not self._begin(members):
            return True
        try:
            for member in members:
                if not member.future.cancelled():
                    member.run(self._cursor)
        except BaseException:
            # Whose it is shows when each has a savepoint: it is raised where that one waits.
            self._roll_back()
            return False
        self._end(members)
        return True

    def _commit_together(self, members: Sequence[Member[Any]]) -> bool:
        """With a savepoint for each. False, with nothing written, if SQLite gives the whole transaction up."""
        cursor = self._cursor
        connection = cursor.connection
        if not self._begin(members):
            return True
        for member in members:
            if member.future.cancelled():
                continue
            member.error = None
            cursor.execute("SAVEPOINT member")
            try:
                member.run(cursor)
            except BaseException as error:
                # Each waits for its own end: it is raised there, and the thread goes on.
                if not connection.in_transaction:
                    return False
                member.fail(error)
                cursor.execute("ROLLBACK TO member")
            cursor.execute("RELEASE member")
        self._end(members)
        return True

    def _commit_alone(self, member: Member[Any]) -> None:
        if member.future.cancelled() or not self._begin([member]):
            return
        member.error = None
        try:
            member.run(self._cursor)
        except BaseException as error:
            # Raised where it is waited for.
            member.fail(error)
            self._roll_back()
        else:
            self._end([member])

    def _begin(self, members: Sequence[Member[Any]]) -> bool:
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            for member in members:
                member.fail(error)
            return False
        return True

    def _end(self, members: Sequence[Member[Any]]) -> None:
        try:
            self._cursor.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            for member in members:
                if member.error is None:
                    member.fail(error)

    def _roll_back(self) -> None:
        if self._cursor.connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._cursor.execute("ROLLBACK")

    def _checkpoint(self, mode: str) -> None:
        """The log keeps what could not be moved, and the next checkpoint tries again."""
        with contextlib.suppress(sqlite3.Error):
            self._cursor.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()


class Reader:
    """Runs one read transaction after the other on its own read-only connection."""

    name = "ensue-store-reader"

    def __init__(self, path: Path, inbox: Inbox, deliver: Deliver) -> None:
        self._path = path
        self._inbox = inbox
        self._deliver = deliver

    def run(self, start: Member[None]) -> None:
        try:
            connection = sqlite_file.connect_reader(self._path)
        except Exception as error:
            # Raised by `open`, which waits for this thread.
            start.fail(error)
            return self._deliver([start])
        self._deliver([start])
        cursor = connection.cursor()
        try:
            while (member := self._inbox.get()) is not None:
                if not member.future.cancelled():
                    self._read(cursor, member)
                    self._deliver([member])
                # Its answer may be large, and the next one may be long in coming.
                del member
        finally:
            connection.close()

    def _read(self, cursor: sqlite3.Cursor, member: Member[Any]) -> None:
        try:
            cursor.execute("BEGIN")
            member.run(cursor)
        except BaseException as error:
            # Raised where it is waited for.
            member.fail(error)
        finally:
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK")


def perform(cursor: sqlite3.Cursor, begin: Begin[T]) -> T:
    transaction = begin()
    try:
        statement = next(transaction)
        while True:
            statement = transaction.send(execute(cursor, statement))
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        transaction.close()


def execute(cursor: sqlite3.Cursor, statement: Statement) -> Sequence[Row]:
    sql, args, is_many, _ = statement
    pick = sql.pick
    if is_many:
        cursor.executemany(sql.sqlite, args if pick is None else map(pick, args))
        return ()
    if statement is NOW:
        return ((time.time_ns() // 1000,),)
    return cursor.execute(sql.sqlite, args if pick is None else pick(args)).fetchall()


def _one(statement: Statement) -> Transaction[Sequence[Row]]:
    return (yield statement)


def _settle(members: Sequence[Member[Any]]) -> None:
    for member in members:
        member.settle()


def _nothing() -> Transaction[None]:
    yield from ()
