"""`ensue db`: care for the database, without a server."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final, ParamSpec

import click

from ensue.model.errors import Conflict, DataDirectoryOwned, EnsueError, InvalidInput, NotFound

P = ParamSpec("P")

SUCCESS: Final = 0
FAILED: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 4
INVALID: Final = 6
CONFLICT: Final = 7


class Place:
    """Which database, and the storage beside it."""

    def __init__(self, *, data: Path, database: str | None) -> None:
        self.data = data
        self._database = database

    @property
    def is_directory(self) -> bool:
        return self._database is None

    @property
    def url(self) -> str:
        from ensue.store import opening

        return self._database or opening.data_url(self.data)

    @contextlib.asynccontextmanager
    async def opened(self, *, is_new_allowed: bool = False, is_read_only: bool = False) -> AsyncIterator[Any]:
        """The driver. A data directory is owned meanwhile; to read, its owner is joined."""
        from ensue.store import opening, ownership

        self._require_file(is_new_allowed)
        with contextlib.ExitStack() as stack:
            is_beside = False
            if self.is_directory:
                try:
                    stack.enter_context(ownership.DataDirectory(self.data))
                except DataDirectoryOwned:
                    if not is_read_only:
                        raise
                    is_beside = True
            driver = opening.open_driver(self.url, is_read_only=is_beside, is_patient=True)
            await driver.open()
            try:
                yield driver
            finally:
                await driver.close()

    def storage(self) -> Any:
        from ensue.storage.directory import DirectoryStorage
        from ensue.store import opening

        return DirectoryStorage(self.data / opening.STORAGE)

    def _require_file(self, is_new_allowed: bool) -> None:
        from ensue.store import opening

        if not self.url.startswith("sqlite:"):
            return
        path = opening.sqlite_path(self.url)
        if not is_new_allowed and not path.exists():
            raise NotFound(f"There is no database {path}", remedy="name it with --data or --database")


def default_data() -> Path:
    """SURFACE.md §4."""
    if found := os.environ.get("ENSUE_DATA_DIR"):
        return Path(found)
    if os.geteuid() == 0:
        return Path("/var/lib/ensue")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "ensue"


def exit_code(error: EnsueError) -> int:
    match error:
        case NotFound():
            return NOT_FOUND
        case Conflict():
            return CONFLICT
        case InvalidInput():
            return INVALID
        case _:
            return FAILED


def reported(action: Callable[P, Awaitable[int]]) -> Callable[P, None]:
    """Run it, say on stderr what went wrong, and exit."""

    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = asyncio.run(_awaited(action(*args, **kwargs)))
        except EnsueError as error:
            click.echo(f"error: {error}", err=True)
            code = exit_code(error)
        sys.exit(code)

    run.__name__ = action.__name__
    run.__doc__ = action.__doc__
    return run


async def _awaited(code: Awaitable[int]) -> int:
    return await code


@click.group()
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), default=default_data, help="Data directory.")
@click.option("--database", metavar="URL", envvar="ENSUE_DATABASE_URL", help="sqlite:///… or postgresql://…")
@click.pass_context
def command(context: click.Context, data: Path, database: str | None) -> None:
    """Upgrade, back up, restore and check the database."""
    context.obj = Place(data=data, database=database)


@command.command()
@click.pass_obj
@reported
async def upgrade(place: Place) -> int:
    """Bring the database to the schema of this version."""
    from ensue.store import migrating

    async with place.opened(is_new_allowed=True) as driver:
        for migration in await migrating.migrate(driver):
            click.echo(f"applied {migration.version:04} {migration.name}", err=True)
    return SUCCESS


@command.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--rows-only", is_flag=True, help="Without the files of storage (logs, artifacts).")
@click.pass_obj
@reported
async def backup(place: Place, target: Path, rows_only: bool) -> int:
    """Write a consistent copy to TARGET, also while a server runs."""
    from ensue.store import backup as copying

    async with place.opened(is_read_only=True) as driver:
        contents = await copying.backup(driver, None if rows_only else place.storage(), target)
    click.echo(f"{target}: {sum(contents.rows.values())} rows, {contents.files} files", err=True)
    return SUCCESS


@command.command()
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace all that is in the database.")
@click.option("--rows-only", is_flag=True, help="Leave storage alone.")
@click.pass_obj
@reported
async def restore(place: Place, source: Path, force: bool, rows_only: bool) -> int:
    """Fill an empty database from a backup of either kind of database. The server must not be running."""
    from ensue.store import backup as copying

    async with place.opened(is_new_allowed=True) as driver:
        contents = await copying.restore(driver, None if rows_only else place.storage(), source, is_forced=force)
    click.echo(f"restored {sum(contents.rows.values())} rows, {contents.files} files", err=True)
    return SUCCESS


@command.command()
@click.pass_obj
@reported
async def check(place: Place) -> int:
    """Say what is wrong in the database, one line each; exit 1 if anything is."""
    from ensue.store import migrating
    from ensue.store.care import Care

    async with place.opened(is_read_only=True) as driver:
        if todo := await migrating.missing(driver):
            click.echo(f"the schema is {len(todo)} migrations behind: run `ensue db upgrade`")
            return FAILED
        problems = await Care(driver=driver).check()
    for problem in problems:
        click.echo(problem)
    return FAILED if problems else SUCCESS
