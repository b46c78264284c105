"""Backups: complete, checked before anything changes, and from either database to either."""

import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from ensue.model.errors import Conflict, InvalidInput, NotFound
from ensue.storage.directory import DirectoryStorage
from ensue.store import backup as copying
from ensue.store import catalogue, migrating
from ensue.store.backup_file import Reader
from ensue.store.driver import Driver
from ensue.store.postgres import PostgresDriver
from ensue.store.sqlite import SqliteDriver
from ensue.store.statement import Sql
from tests.store.drivers import ask

KINDS = ["sqlite", "postgres"]
EVENT = Sql(
    "INSERT INTO events (namespace, uid, source_key, source, id, type, subject, time, envelope, revision, stored_at,"
    " is_latest) VALUES ('default', $1, 'events', 's', $1, 't', '', 1, $2, 0, 1, 1) RETURNING seq"
)
EVENTS = Sql("SELECT seq, uid, envelope FROM events ORDER BY seq")
NAMESPACE = Sql("INSERT INTO namespaces (name) VALUES ($1)")

Make = Callable[[str, str], Driver]


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Drivers on two databases per kind: `one` and `two`."""
    server = request.getfixturevalue("postgres_server") if "postgres" in request.node.name else None
    url = request.getfixturevalue("postgres_url") if server else ""

    def make(kind: str, name: str) -> Driver:
        if kind == "sqlite":
            return SqliteDriver(tmp_path / f"{name}.db")
        return PostgresDriver(f"{url}?options=-csearch_path%3D{name}")

    return make


@pytest.fixture
async def stack(make: Make) -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def opened(stack: AsyncExitStack, driver: Driver, is_migrated: bool = True) -> Driver:
    await driver.open()
    stack.push_async_callback(driver.close)
    if isinstance(driver, PostgresDriver):
        schema = driver.url.rpartition("%3D")[2]
        await driver.write(ask(Sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")))
    if is_migrated:
        await migrating.migrate(driver)
    return driver


async def fill(driver: Driver, events: int) -> None:
    def begin() -> Any:
        for number in range(events):
            yield EVENT(f"u{number:05}", json.dumps({"ü": "line\nbreak", "n": number}))
        yield Sql("DELETE FROM events WHERE uid = $1")(f"u{events - 1:05}")
        yield NAMESPACE.many([("a",), ("B",)])

    await driver.write(begin)


async def everything(driver: Driver) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    for table in await driver.read(lambda: catalogue.tables(driver.dialect)):
        if table.name != migrating.TABLE:
            columns = ", ".join(column for column in table.columns if column != "xid")
            rows = await driver.read(ask(Sql(f"SELECT {columns} FROM {table.name}")))
            found[table.name] = sorted(rows)
    return found


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", KINDS)
async def test_a_backup_moves_everything(
    source: str, target: str, make: Make, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = await opened(stack, make(source, "one"))
    two = await opened(stack, make(target, "two"), is_migrated=False)
    await fill(one, 1203)
    storage, copy = DirectoryStorage(tmp_path / "storage"), DirectoryStorage(tmp_path / "copy")
    await storage.write("logs/a", b"\x00binary")
    await storage.write("logs/b", b"")
    file = tmp_path / "backup"

    contents = await copying.backup(one, storage, file)
    assert contents.rows["events"] == 1202
    assert (contents.files, file.stat().st_mode & 0o777) == (2, 0o600)
    assert await copying.restore(two, copy, file) == contents

    assert await everything(two) == await everything(one)
    assert await copy.read("logs/a") == b"\x00binary"
    assert await copy.read("logs/b") == b""
    assert await migrating.missing(two) == ()
    ((last,),) = await one.write(ask(EVENT, "next", "{}"))
    assert await two.write(ask(EVENT, "next", "{}")) == [(last,)]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_database_with_rows_is_replaced_only_when_forced(
    kind: str, make: Make, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = await opened(stack, make(kind, "one"))
    two = await opened(stack, make(kind, "two"))
    await fill(one, 10)
    await two.write(ask(NAMESPACE, "mine"))
    await copying.backup(one, None, tmp_path / "backup")
    with pytest.raises(Conflict, match="not empty: there are rows in namespaces"):
        await copying.restore(two, None, tmp_path / "backup")
    assert (await everything(two))["namespaces"] == [("mine", 0)]
    await copying.restore(two, None, tmp_path / "backup", is_forced=True)
    assert await everything(two) == await everything(one)


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flip(data: bytes) -> bytes:
    return data[:200] + bytes([data[200] ^ 1]) + data[201:]


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    return lambda data: gzip.compress(b"".join(change(gzip.decompress(data).splitlines(keepends=True))))


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        flip,
        lambda data: b"",
        lambda data: b"no backup",
        lines(lambda all: all[:-1]),
        lines(lambda all: all[:3] + all[4:]),
        lines(lambda all: [line.replace(b"u00003", b"u99999") for line in all]),
        lines(lambda all: [b"[]\n", *all]),
    ],
)
async def test_a_damaged_file_changes_nothing(
    damage: Callable[[bytes], bytes], make: Make, stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = await opened(stack, make("sqlite", "one"))
    await fill(one, 10)
    before = await everything(one)
    file = tmp_path / "backup"
    await copying.backup(one, None, file)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(InvalidInput, match="damaged or not a backup"):
        await copying.restore(one, None, file, is_forced=True)
    assert await everything(one) == before


async def test_a_file_that_is_not_there_is_not_found(make: Make, stack: AsyncExitStack, tmp_path: Path) -> None:
    one = await opened(stack, make("sqlite", "one"))
    with pytest.raises(NotFound):
        await copying.restore(one, None, tmp_path / "nothing")


async def test_a_restore_that_fails_half_way_leaves_what_was_there(
    make: Make, stack: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await opened(stack, make("sqlite", "one"))
    await fill(one, 10)
    file = tmp_path / "backup"
    await copying.backup(one, None, file)
    await one.write(ask(NAMESPACE, "later"))
    before = await everything(one)

    def broken(reader: Any) -> Any:
        yield from list(rows(reader))[:1]
        raise OSError("the disk went away")

    rows = Reader.rows
    monkeypatch.setattr(Reader, "rows", broken)
    with pytest.raises(OSError, match="went away"):
        await copying.restore(one, None, file, is_forced=True)
    assert await everything(one) == before


async def test_a_failed_backup_leaves_the_earlier_one(make: Make, stack: AsyncExitStack, tmp_path: Path) -> None:
    one = await opened(stack, make("sqlite", "one"))
    file = tmp_path / "backup"
    await copying.backup(one, None, file)
    before = file.read_bytes()

    class Failing(DirectoryStorage):
        async def read(self, key: str) -> bytes:
            raise OSError("the disk went away")

    storage = Failing(tmp_path / "storage")
    await storage.write("a", b"x")
    with pytest.raises(OSError, match="went away"):
        await copying.backup(one, storage, file)
    assert file.read_bytes() == before
    assert not (tmp_path / "backup.partial").exists()
