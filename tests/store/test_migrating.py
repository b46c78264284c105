"""Migrations: applied once, in order, all or nothing, and never guessed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from ensue.model.errors import StoreBroken
from ensue.store import catalogue, migrating
from ensue.store.driver import Driver
from ensue.store.migrating import Migration
from ensue.store.postgres import PostgresDriver
from ensue.store.statement import Sql
from tests.store.drivers import ask, make, opened

FIRST = Migration(
    version=1,
    name="first",
    text="""
    -- A comment; with a semicolon and a 'quote
    CREATE TABLE a (key {text} PRIMARY KEY, note TEXT NOT NULL DEFAULT 'x;y''z {}') {without_rowid};
    {sqlite} CREATE TABLE only_sqlite (n INTEGER PRIMARY KEY);
    {postgres} CREATE TABLE only_postgres (n BIGINT PRIMARY KEY);
    """,
)
SECOND = Migration(version=2, name="second", text="CREATE TABLE b (n {serial_key}, {xid_column})")
BROKEN = Migration(version=3, name="broken", text="CREATE TABLE c (n {big} PRIMARY KEY); CREATE NONSENSE;")


@pytest.fixture(params=["sqlite", "postgres"])
def unopened(request: pytest.FixtureRequest, tmp_path: Path) -> Driver:
    return make(request.param, request, tmp_path)


@pytest.fixture
async def driver(unopened: Driver) -> AsyncIterator[Driver]:
    async with opened(unopened) as driver:
        yield driver


async def names(driver: Driver) -> tuple[str, ...]:
    return await driver.read(lambda: catalogue.names(driver.dialect))


async def test_what_is_missing_is_applied_once(driver: Driver) -> None:
    assert await migrating.missing(driver, [FIRST]) == (FIRST,)
    assert await migrating.migrate(driver, [FIRST]) == (FIRST,)
    assert await migrating.migrate(driver, [FIRST, SECOND]) == (SECOND,)
    assert await migrating.migrate(driver, [FIRST, SECOND]) == ()
    assert await migrating.missing(driver, [FIRST, SECOND]) == ()
    assert await names(driver) == ("a", "b", f"only_{driver.dialect}", "schema_migrations")
    await driver.write(ask(Sql("INSERT INTO a (key) VALUES ('k')")))
    assert await driver.read(ask(Sql("SELECT note FROM a"))) == [("x;y'z {}",)]


async def test_a_broken_migration_leaves_nothing(driver: Driver) -> None:
    with pytest.raises(Exception, match="NONSENSE"):
        await migrating.migrate(driver, [FIRST, SECOND, BROKEN])
    assert await names(driver) == ()


async def test_a_database_of_a_later_version_is_refused_with_what_to_do(driver: Driver) -> None:
    await migrating.migrate(driver, [FIRST, SECOND])
    with pytest.raises(StoreBroken, match=r"schema 2, this version of Ensue knows 1 \(use the version"):
        await migrating.migrate(driver, [FIRST])
    with pytest.raises(StoreBroken):
        await migrating.missing(driver, [FIRST])


async def test_an_edited_migration_is_refused(driver: Driver) -> None:
    await migrating.migrate(driver, [FIRST, SECOND])
    with pytest.raises(StoreBroken, match="0001_first"):
        await migrating.migrate(driver, [replace(FIRST, text=FIRST.text + " "), SECOND])


async def test_one_of_many_that_start_at_once_migrates_and_the_others_wait(driver: Driver) -> None:
    done = await asyncio.gather(*(migrating.migrate(driver, [FIRST, SECOND]) for _ in range(8)))
    assert sorted(map(len, done)) == [0] * 7 + [2]


async def test_several_processes_may_start_at_once_on_postgresql(postgres_url: str) -> None:
    async def start() -> tuple[Migration, ...]:
        async with opened(PostgresDriver(postgres_url, pool_size=1)) as driver:
            return await migrating.migrate(driver, [FIRST, SECOND])

    done = await asyncio.gather(*(start() for _ in range(6)))
    assert sum(map(len, done)) == 2


async def test_the_migrations_of_this_version_apply(driver: Driver) -> None:
    applied = await migrating.migrate(driver)
    assert applied == migrating.load()
    tables = await driver.read(lambda: catalogue.tables(driver.dialect))
    assert [table.name for table in tables if not table.key] == []


def test_migrations_are_numbered_without_a_gap(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("SELECT 1")
    (tmp_path / "0003_b.sql").write_text("SELECT 1")
    with pytest.raises(StoreBroken, match="without a gap"):
        migrating.load(tmp_path)
    (tmp_path / "0003_b.sql").rename(tmp_path / "2-b.sql")
    with pytest.raises(StoreBroken, match="NNNN_name"):
        migrating.load(tmp_path)


def test_an_unknown_marker_is_an_error_at_import() -> None:
    with pytest.raises(ValueError, match=r"unknown marker \{bigg\}"):
        Sql("CREATE TABLE a (n {bigg})")
