"""Opening a SQLite file as the driver needs it, and the names of its errors."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ensue.model.errors import EnsueError, StoreBroken, StoreFull, Unavailable

OLDEST: Final = (3, 35, 0)  # RETURNING
CHECKPOINT_PAGES: Final = 2000
LOG_BYTES: Final = 64 << 20
CACHE_KILOBYTES: Final = 64 << 10
CACHED_STATEMENTS: Final = 512

_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA}
_TEMPORARY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


VERSION: Final = sqlite3.sqlite_version


def require_version(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    if version < OLDEST:
        found, needed = (".".join(map(str, numbers)) for numbers in (version, OLDEST))
        remedy = f"use a Python that is linked with SQLite {needed} or later, or PostgreSQL"
        raise StoreBroken(f"SQLite {found} is too old", remedy=remedy)


def connect_writer(path: Path) -> sqlite3.Connection:
    return _connect(path, "rwc", _prepare_writer)


def connect_reader(path: Path) -> sqlite3.Connection:
    return _connect(path, "ro", _prepare_reader)


def _connect(path: Path, mode: str, prepare: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=5.0,
        isolation_level=None,
        cached_statements=CACHED_STATEMENTS,
    )
    try:
        prepare(connection)
        connection.create_function("ensue_now", 0, lambda: time.time_ns() // 1000)
        connection.execute("PRAGMA foreign_keys = ON")
        # LIKE as on PostgreSQL, and it can use an index.
        connection.execute("PRAGMA case_sensitive_like = ON")
        connection.execute(f"PRAGMA cache_size = {-CACHE_KILOBYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare_writer(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise StoreBroken("The database cannot use a write-ahead log", remedy="put it on a local file system")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")


def _prepare_reader(connection: sqlite3.Connection) -> None:
    """Never checkpoints: old versions of SQLite may lose data when two connections do."""
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("SELECT count(*) FROM sqlite_master")


def named(error: BaseException) -> BaseException:
    """The error callers know, where there is one; otherwise the same."""
    if not isinstance(error, sqlite3.Error):
        return error
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    found: EnsueError
    if code == sqlite3.SQLITE_FULL:
        found = StoreFull(remedy="free some space")
    elif code in _BROKEN:
        found = StoreBroken(f"The database is damaged: {error}", remedy="restore a backup")
    elif code in _TEMPORARY:
        found = Unavailable(f"The database cannot be used now: {error}")
    else:
        return error
    found.__cause__ = error
    return found
