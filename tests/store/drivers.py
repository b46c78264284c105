"""What the tests of drivers share: a table, its statements, and a driver of each kind."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ensue.store.driver import Driver
from ensue.store.postgres import PostgresDriver
from ensue.store.sqlite import SqliteDriver
from ensue.store.statement import Sql, Transaction

CREATE = Sql("CREATE TABLE items (key {text} PRIMARY KEY, number {big} NOT NULL, body {blob}) {without_rowid}")
INSERT = Sql("INSERT INTO items (key, number) VALUES ($1, $2)")
SELECT = Sql("SELECT key, number FROM items ORDER BY key")
COUNT = Sql("SELECT count(*) FROM items")
ADD = Sql("UPDATE items SET number = number + $2 WHERE key = $1 RETURNING number")


def ask(sql: Sql, *args: Any) -> Callable[[], Transaction[list[tuple[Any, ...]]]]:
    """A transaction of one statement."""

    def begin() -> Transaction[list[tuple[Any, ...]]]:
        rows = yield sql(*args)
        return [tuple(row) for row in rows]

    return begin


@asynccontextmanager
async def opened(driver: Driver) -> AsyncIterator[Driver]:
    await driver.open()
    try:
        yield driver
    finally:
        await driver.close()


def make(kind: str, request: pytest.FixtureRequest, folder: Path) -> Driver:
    """A driver that is not open yet, on the database of this test."""
    if kind == "sqlite":
        return SqliteDriver(folder / "test.db")
    return PostgresDriver(request.getfixturevalue("postgres_url"))
