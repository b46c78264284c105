"""Brings a database to the schema of this version: numbered SQL files, applied once, in one transaction.

A statement that begins with `{sqlite}` or `{postgres}` is for that database alone.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from ensue.model.errors import StoreBroken, Unavailable
from ensue.store import catalogue
from ensue.store.dialects import Dialect
from ensue.store.driver import Driver
from ensue.store.statement import NOW, Sql, Transaction

TABLE: Final = "schema_migrations"
WAIT_SECONDS: Final = 600.0
POLL_SECONDS: Final = 0.2

CREATE: Final = Sql(
    f"CREATE TABLE IF NOT EXISTS {TABLE} (version {{big}} PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, "
    "applied_at {big} NOT NULL)"
)
APPLIED: Final = Sql(f"SELECT version, name, checksum FROM {TABLE} ORDER BY version")
RECORD: Final = Sql(f"INSERT INTO {TABLE} (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)")
# On SQLite the writer's transaction is the lock.
LOCK: Final = Sql("SELECT {try_migration_lock}")

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_PIECE = re.compile(r"'[^']*'|--[^\n]*|;|[^';-]+|-")
_ONLY = re.compile(r"\{(sqlite|postgres)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def statements(self, dialect: Dialect) -> Iterator[Sql]:
        for text in _split(self.text):
            only = _ONLY.match(text)
            if only is None or only[1] == dialect:
                yield Sql(text[only.end() :] if only else text)


def load(folder: Traversable | None = None) -> tuple[Migration, ...]:
    """The migrations that this version knows, by version, without a gap."""
    folder = folder or resources.files("ensue.store") / "migrations"
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    migrations = tuple(_read(folder, name) for name in found)
    if [migration.version for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise StoreBroken(f"The migrations are not numbered from 0001 without a gap: {', '.join(found)}")
    return migrations


class Schema:
    """Satisfies ports.Schema."""

    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver
        self._known = load()

    async def missing(self) -> tuple[str, ...]:
        return tuple(f"{each.version:04}_{each.name}" for each in await missing(self._driver, self._known))


async def migrate(driver: Driver, migrations: Sequence[Migration] | None = None) -> tuple[Migration, ...]:
    """Apply what is missing and return it. Waits while another process migrates; all or nothing."""
    known = load() if migrations is None else tuple(migrations)
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        done = await driver.write(lambda: _upgrade(driver.dialect, known))
        if done is not None:
            return done
        if time.monotonic() > deadline:
            raise Unavailable("Another process is still upgrading the database")
        await asyncio.sleep(POLL_SECONDS)


async def missing(driver: Driver, migrations: Sequence[Migration] | None = None) -> tuple[Migration, ...]:
    """What `migrate` would apply. Raises StoreBroken when the database is newer than this version or was changed."""
    known = load() if migrations is None else tuple(migrations)
    return await driver.read(lambda: _missing(driver.dialect, known))


def apply(dialect: Dialect, migrations: Sequence[Migration]) -> Transaction[None]:
    """Apply these, as a part of a transaction."""
    yield CREATE()
    ((now,),) = yield NOW
    for migration in migrations:
        for sql in migration.statements(dialect):
            yield sql()
        yield RECORD(migration.version, migration.name, migration.checksum, now)


def _upgrade(dialect: Dialect, known: tuple[Migration, ...]) -> Transaction[tuple[Migration, ...] | None]:
    ((is_locked,),) = yield LOCK()
    if not is_locked:
        return None
    todo = yield from _missing(dialect, known)
    if todo:
        yield from apply(dialect, todo)
    return todo


def _missing(dialect: Dialect, known: tuple[Migration, ...]) -> Transaction[tuple[Migration, ...]]:
    if TABLE not in (yield from catalogue.names(dialect)):
        return known
    applied = yield APPLIED()
    if len(applied) > len(known):
        raise StoreBroken(
            f"The database has schema {applied[-1][0]}, this version of Ensue knows {len(known)}",
            remedy="use the version that upgraded it, or a later one; or restore a backup from before",
        )
    for (version, name, checksum), migration in zip(applied, known, strict=False):
        if (version, checksum) != (migration.version, migration.checksum):
            raise StoreBroken(
                f"Migration {version:04}_{name} of the database is not the one that this version of Ensue has",
                remedy="migrations must not be edited: use an unmodified version",
            )
    return known[len(applied) :]


def _read(folder: Traversable, filename: str) -> Migration:
    match = _NAME.fullmatch(filename)
    if match is None:
        raise StoreBroken(f"{filename} is not named as NNNN_name.sql")
    return Migration(version=int(match[1]), name=match[2], text=(folder / filename).read_text(encoding="utf-8"))


def _split(text: str) -> Iterator[str]:
    """Statements end at `;`, unless it stands in a literal or comment."""
    parts: list[str] = []
    for piece in _PIECE.findall(text):
        if piece == ";":
            yield "".join(parts).strip()
            parts = []
        elif not piece.startswith("--"):
            parts.append(piece)
    if rest := "".join(parts).strip():
        yield rest
