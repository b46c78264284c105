"""Backup and restore: one logical format for both databases, so that a backup also moves from one to the other.

Gzip of JSON lines: a header, then per table a line that names it and its columns and a line per row, then the
files of storage, then counts and the SHA-256 of all lines before.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ensue.model.errors import Conflict, InvalidInput, NotFound
from ensue.ports.storage import Storage
from ensue.store import catalogue, migrating
from ensue.store.backup_file import Header, Reader, Writer, verify
from ensue.store.catalogue import Table
from ensue.store.dialects import Dialect
from ensue.store.driver import Driver
from ensue.store.statement import NOW, Row, Sql, Statement, Transaction

ROWS_AT_ONCE: Final = 500
# Filled by the database that is restored to.
OWN_COLUMNS: Final = frozenset({"xid"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a backup file holds."""

    schema: int
    rows: Mapping[str, int]
    files: int


async def backup(driver: Driver, storage: Storage | None, target: Path) -> Contents:
    """Write one consistent state of the database to `target`, which appears only when it is complete.

    Files of storage are added after the rows, so each file that a row names is there.
    """
    partial = target.with_name(f"{target.name}.partial")
    writer = Writer(partial)
    try:
        schema = await driver.read(lambda: _dump(driver.dialect, writer))
        if storage is not None:
            await _dump_files(storage, writer)
        await asyncio.to_thread(writer.finish)
        os.replace(partial, target)
    except BaseException:
        writer.abandon()
        partial.unlink(missing_ok=True)
        raise
    return Contents(schema=schema, rows=writer.rows, files=writer.files)


async def restore(driver: Driver, storage: Storage | None, source: Path, *, is_forced: bool = False) -> Contents:
    """Fill an empty database; forced, replace what is there. The file is checked before anything changes,
    and rows appear all at once. A backup of an older schema is upgraded."""
    header, end = await asyncio.to_thread(verify, source)
    known = migrating.load()
    if header.schema > len(known):
        raise Conflict(
            f"The backup has schema {header.schema}, this version of Ensue knows {len(known)}",
            remedy="use the version that made the backup, or a later one",
        )
    if not is_forced:
        await driver.read(lambda: _require_empty(driver.dialect))
    if storage is not None:
        await _restore_files(storage, source)
    await driver.write(lambda: _replace(driver.dialect, source, header, is_forced))
    return Contents(schema=header.schema, rows=end.rows, files=end.files)


def _dump(dialect: Dialect, writer: Writer) -> Transaction[int]:
    writer.restart()
    ((now,),) = yield NOW
    applied = yield migrating.APPLIED()
    schema = int(applied[-1][0])
    writer.add_header(Header(schema=schema, at=now))
    for table in (yield from catalogue.tables(dialect)):
        if table.name == migrating.TABLE:
            continue
        columns = tuple(column for column in table.columns if column not in OWN_COLUMNS)
        writer.add_table(table.name, columns, (yield from catalogue.last_number(dialect, table)))
        yield from _dump_rows(table, columns, writer)
    return schema


async def _dump_files(storage: Storage, writer: Writer) -> None:
    async for key in storage.list(""):
        # What is pruned meanwhile is missed by nobody.
        with contextlib.suppress(NotFound):
            writer.add_file(key, await storage.read(key))


def _dump_rows(table: Table, columns: Sequence[str], writer: Writer) -> Transaction[None]:
    """By primary key, a page at a time, so that a large table takes little memory."""
    first, following = _pages(table, columns)
    places = [columns.index(column) for column in table.key]
    rows = yield first
    while rows:
        writer.add_rows(rows)
        if not places or len(rows) < ROWS_AT_ONCE:
            return
        rows = yield following(*(rows[-1][place] for place in places))


def _pages(table: Table, columns: Sequence[str]) -> tuple[Statement, Sql]:
    select = f"SELECT {_quoted(columns)} FROM {_quoted([table.name])}"
    if not table.key:
        return Sql(select)(), Sql(select)
    key = _quoted(table.key)
    order = f"ORDER BY {key} LIMIT {ROWS_AT_ONCE}"
    return Sql(f"{select} {order}")(), Sql(f"{select} WHERE ({key}) > ({_parameters(len(table.key))}) {order}")


def _require_empty(dialect: Dialect) -> Transaction[None]:
    for table in (yield from catalogue.names(dialect)):
        if table == migrating.TABLE:
            continue
        rows = yield Sql(f"SELECT 1 FROM {_quoted([table])} LIMIT 1")()
        if rows:
            raise Conflict(
                f"The database is not empty: there are rows in {table}", remedy="--force replaces all that is there"
            )


def _replace(dialect: Dialect, source: Path, header: Header, is_forced: bool) -> Transaction[None]:
    if not is_forced:
        yield from _require_empty(dialect)
    for table in reversed((yield from catalogue.tables(dialect))):
        yield Sql(f"DROP TABLE {_quoted([table.name])}")()
    known = migrating.load()
    yield from migrating.apply(dialect, known[: header.schema])
    with contextlib.closing(Reader(source)) as reader:
        yield from _fill(dialect, reader)
    yield from migrating.apply(dialect, known[header.schema :])


def _fill(dialect: Dialect, reader: Reader) -> Transaction[None]:
    tables = {table.name: table for table in (yield from catalogue.tables(dialect))}
    for dumped in reader.tables():
        table = tables.get(dumped.name)
        if table is None or not set(dumped.columns) <= set(table.columns):
            raise InvalidInput(f"The backup has a table {dumped.name} that its schema does not have")
        insert = Sql(
            f"INSERT INTO {_quoted([table.name])} ({_quoted(dumped.columns)}) {{overriding}} "
            f"VALUES ({_parameters(len(dumped.columns))})"
        )
        for rows in _batches(reader.rows()):
            yield insert.many(rows)
        if dumped.last:
            yield from catalogue.continue_after(dialect, table, dumped.last)


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == ROWS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


async def _restore_files(storage: Storage, source: Path) -> None:
    with contextlib.closing(Reader(source)) as reader:
        files = reader.files()
        while (file := await asyncio.to_thread(next, files, None)) is not None:
            key, data = file
            await storage.write(key, data)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _parameters(count: int) -> str:
    return ", ".join(f"${number}" for number in range(1, count + 1))
