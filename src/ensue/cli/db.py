"""`ensue db`: care for the database, without a server."""

import asyncio
import contextlib
import functools
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from ensue.cli import config_file, exits
from ensue.model.errors import DataDirectoryOwned, NotFound

if TYPE_CHECKING:
    from ensue.settings import Settings

P = ParamSpec("P")
Decorated = TypeVar("Decorated", bound=Callable[..., Any])
PLACE = "ensue.db"
REPORT = "nothing was changed: keep a copy with `ensue db backup FILE`, and report the lines above as a bug"


class Place:
    """Which database, and the storage that belongs to it."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings

    @contextlib.asynccontextmanager
    async def opened(self, *, is_new_allowed: bool = False, is_read_only: bool = False) -> AsyncIterator[Any]:
        """The driver. A data directory is owned meanwhile; to read, its owner is joined."""
        from ensue.store import opening, ownership

        self._require_file(is_new_allowed)
        with contextlib.ExitStack() as stack:
            is_beside = False
            if not self._settings.database_url:
                try:
                    stack.enter_context(ownership.DataDirectory(self._settings.data_dir))
                except DataDirectoryOwned:
                    if not is_read_only:
                        raise
                    is_beside = True
            driver = opening.open_driver(self._settings.database, is_read_only=is_beside, is_patient=True)
            await driver.open()
            try:
                yield driver
            finally:
                await driver.close()

    def storage(self) -> Any:
        from ensue.storage.directory import DirectoryStorage

        return DirectoryStorage(self._settings.storage)

    def _require_file(self, is_new_allowed: bool) -> None:
        from ensue.store import opening

        if self._settings.is_shared or is_new_allowed:
            return
        path = opening.sqlite_path(self._settings.database)
        if not path.exists():
            raise NotFound(f"There is no database {path}", remedy="name it with --data or --database")


def located(decorated: Decorated) -> Decorated:
    """Add --data and --database, which are taken before and after the name of what is done."""

    def store(context: click.Context, parameter: click.Parameter, value: Path | str | None) -> None:
        if value is not None:
            context.meta[f"{PLACE}.{parameter.name}"] = value

    directory: Any = click.Path(path_type=Path, file_okay=False)
    data = click.option(
        "--data", type=directory, metavar="DIR", help="The data directory.", expose_value=False, callback=store
    )
    help = "sqlite:///… or postgresql://…; default: SQLite in the data directory."
    database = click.option("--database", metavar="URL", help=help, expose_value=False, callback=store)
    return data(database(decorated))


def placed(action: Callable[Concatenate[Place, P], Coroutine[Any, Any, int]]) -> Callable[P, int]:
    """Give it the place that the options, the environment and the defaults name."""

    @functools.wraps(action)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        from ensue import settings

        given = click.get_current_context().meta
        data = given.get(f"{PLACE}.data")
        url = given.get(f"{PLACE}.database")
        file = config_file.read(None)
        chosen = settings.load(os.environ, file=file, data_dir=data.absolute() if data else None, database_url=url)
        return asyncio.run(action(Place(chosen), *args, **kwargs))

    return run


@click.group()
@located
def command() -> None:
    """Upgrade, back up, restore and check the database.

    \b
    Examples:
      ensue db backup ensue.backup
      ensue db check --data ./data
    """


@command.command()
@located
@placed
async def upgrade(place: Place) -> int:
    """Bring the database to the schema of this version.

    \b
    Example:
      ensue db upgrade --data ./data
    """
    from ensue.store import migrating

    async with place.opened(is_new_allowed=True) as driver:
        for migration in await migrating.migrate(driver):
            click.echo(f"applied {migration.version:04} {migration.name}", err=True)
    return exits.SUCCESS


@command.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--rows-only", is_flag=True, help="Without the files of storage (logs, artifacts).")
@located
@placed
async def backup(place: Place, target: Path, rows_only: bool) -> int:
    """Write a consistent copy to TARGET, also while a server runs.

    \b
    Example:
      ensue db backup ensue.backup
    """
    from ensue.store import backup as copying

    async with place.opened(is_read_only=True) as driver:
        contents = await copying.backup(driver, None if rows_only else place.storage(), target)
    click.echo(f"{target}: {sum(contents.rows.values())} rows, {contents.files} files", err=True)
    return exits.SUCCESS


@command.command()
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace all that is in the database.")
@click.option("--rows-only", is_flag=True, help="Leave storage alone.")
@located
@placed
async def restore(place: Place, source: Path, force: bool, rows_only: bool) -> int:
    """Fill an empty database from a backup of either kind of database. The server must not be running.

    \b
    Example:
      ensue db restore ensue.backup --data ./other
    """
    from ensue.store import backup as copying

    async with place.opened(is_new_allowed=True) as driver:
        contents = await copying.restore(driver, None if rows_only else place.storage(), source, is_forced=force)
    click.echo(f"restored {sum(contents.rows.values())} rows, {contents.files} files", err=True)
    return exits.SUCCESS


@command.command()
@located
@placed
async def check(place: Place) -> int:
    """Say what is wrong in the database, one line each; exit 1 if anything is.

    \b
    Example:
      ensue db check --database postgresql://ensue@db/ensue
    """
    from ensue.store import migrating
    from ensue.store.care import Care

    async with place.opened(is_read_only=True) as driver:
        if todo := await migrating.missing(driver):
            click.echo(f"the schema is {len(todo)} migrations behind: run `ensue db upgrade`")
            return exits.FAILED
        problems = await Care(driver=driver).check()
    for problem in problems:
        click.echo(problem)
    click.echo(REPORT if problems else "no invariant is broken", err=True)
    return exits.FAILED if problems else exits.SUCCESS
