"""What only the SQLite driver does: groups, a full disk, the write-ahead log, a second process that reads."""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ensue.model.errors import Conflict, StoreBroken, StoreFull, Unavailable
from ensue.store import sqlite, sqlite_file
from ensue.store.sqlite import SqliteDriver
from ensue.store.statement import Sql, Transaction
from tests.store.drivers import COUNT, CREATE, INSERT, SELECT, ask, opened

PAGES = Sql("SELECT page_count FROM pragma_page_count")
BODY = Sql("INSERT INTO items (key, number, body) VALUES ($1, 1, zeroblob($2))")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "test.db"


@pytest.fixture
async def driver(path: Path) -> AsyncIterator[SqliteDriver]:
    driver = SqliteDriver(path)
    async with opened(driver):
        await driver.write(ask(CREATE))
        yield driver


async def limit_pages(driver: SqliteDriver, more: int) -> None:
    ((count,),) = await driver.read(ask(PAGES))
    await driver.write(ask(Sql(f"PRAGMA max_page_count = {count + more}")))


@contextmanager
def files_not_above(size: int) -> Iterator[None]:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


async def test_a_full_database_says_so_and_works_again_when_there_is_room(driver: SqliteDriver) -> None:
    await driver.write(ask(INSERT, "before", 1))
    await limit_pages(driver, 4)
    with pytest.raises(StoreFull) as raised:
        await driver.write(ask(BODY, "big", 100_000))
    assert isinstance(raised.value.__cause__, sqlite3.Error)
    assert await driver.read(ask(SELECT)) == [("before", 1)]
    await limit_pages(driver, 1000)
    await driver.write(ask(BODY, "big", 100_000))
    assert await driver.read(ask(COUNT)) == [(2,)]


async def test_a_member_that_fills_the_database_hurts_no_other_of_its_group(driver: SqliteDriver) -> None:
    await limit_pages(driver, 10)
    small = [driver.write(ask(INSERT, f"{number}", number)) for number in range(10)]
    big = driver.write(ask(BODY, "big", 1_000_000))
    more = [driver.write(ask(INSERT, f"{number}", number)) for number in range(10, 20)]
    answers = await asyncio.gather(*small, big, *more, return_exceptions=True)
    assert [type(answer) for answer in answers] == [*[list] * 10, StoreFull, *[list] * 10]
    assert await driver.read(ask(COUNT)) == [(20,)]


async def test_a_failed_commit_fails_its_whole_group_and_the_next_one_works(driver: SqliteDriver, path: Path) -> None:
    log = path.with_name(f"{path.name}-wal")
    with files_not_above(log.stat().st_size):
        writes = [driver.write(ask(INSERT, f"{number}", number)) for number in range(20)]
        answers = await asyncio.gather(*writes, return_exceptions=True)
        assert {type(answer) for answer in answers} == {Unavailable}
        assert await driver.read(ask(COUNT)) == [(0,)]
    await asyncio.gather(*(driver.write(ask(INSERT, f"{number}", number)) for number in range(20)))
    assert await driver.read(ask(COUNT)) == [(20,)]


async def test_writes_that_wait_together_are_committed_together(driver: SqliteDriver) -> None:
    committed: list[int] = []
    commit = sqlite.Writer._end

    def counted(self: sqlite.Writer, members: Any) -> None:
        committed.append(len(members))
        commit(self, members)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite.Writer, "_end", counted)
        await asyncio.gather(*(driver.write(ask(INSERT, f"{number}", number)) for number in range(600)))
    assert sum(committed) == 600
    assert max(committed) <= sqlite.MEMBERS
    assert len(committed) < 100


async def test_what_was_cancelled_before_its_turn_is_not_run(driver: SqliteDriver) -> None:
    def slow() -> Transaction[None]:
        yield Sql(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000000) SELECT count(*) FROM n"
        )()

    first = asyncio.ensure_future(driver.write(slow))
    second = asyncio.ensure_future(driver.write(ask(INSERT, "cancelled", 1)))
    second.cancel()
    await first
    await driver.write(ask(INSERT, "kept", 1))
    assert await driver.read(ask(SELECT)) == [("kept", 1)]


async def test_the_log_is_emptied_by_closing_and_nothing_is_left_beside_the_file(path: Path) -> None:
    driver = SqliteDriver(path)
    async with opened(driver):
        await driver.write(ask(CREATE))
        await driver.write(ask(INSERT, "a", 1))
        await driver.read(ask(COUNT))
        assert path.with_name("test.db-wal").stat().st_size > 0
    assert [entry.name for entry in path.parent.iterdir()] == ["test.db"]


async def test_a_reader_that_outlives_the_writer_leaves_the_log_alone(driver: SqliteDriver, path: Path) -> None:
    await driver.write(ask(INSERT, "a", 1))
    beside = SqliteDriver(path, is_read_only=True)
    async with opened(beside):
        assert await beside.read(ask(SELECT)) == [("a", 1)]
        await driver.write(ask(INSERT, "b", 2))
        assert await beside.read(ask(COUNT)) == [(2,)]
        with pytest.raises(Conflict, match="reading only"):
            await beside.write(ask(INSERT, "c", 3))
    size = path.with_name("test.db-wal").stat().st_size
    assert size > 0
    await driver.write(ask(INSERT, "c", 3))
    assert await driver.read(ask(COUNT)) == [(3,)]


async def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    await asyncio.to_thread(path.write_bytes, b"something else entirely\n" * 100)
    with pytest.raises(StoreBroken, match="damaged"):
        await SqliteDriver(path).open()


async def test_a_folder_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be used"):
        await SqliteDriver(path / "nowhere" / "x.db").open()


def test_an_old_sqlite_is_refused_with_what_to_do() -> None:
    with pytest.raises(StoreBroken, match=r"SQLite 3\.34\.1 is too old .*3\.35\.0"):
        sqlite_file.require_version((3, 34, 1))
    sqlite_file.require_version((3, 35, 0))


async def test_commits_are_synced_and_foreign_keys_hold(driver: SqliteDriver) -> None:
    async def setting(name: str) -> Any:
        return (await driver.write(ask(Sql(f"PRAGMA {name}"))))[0][0]

    assert await setting("journal_mode") == "wal"
    assert await setting("synchronous") == 2
    assert await setting("foreign_keys") == 1
