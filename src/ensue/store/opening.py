"""From a database URL to a driver. Passwords stay out of every message."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from ensue.model.errors import InvalidInput
from ensue.store.driver import Driver

DATABASE: Final = "ensue.db"
STORAGE: Final = "storage"

_REMEDY = "write sqlite:///path/to/file or postgresql://user@host/database"
_PASSWORD = re.compile(r"(//[^/@:]*):[^/@]*@")


def open_driver(url: str, *, is_read_only: bool = False, is_patient: bool = False) -> Driver:
    """Not opened yet: call `open`. A patient driver lets a statement take as long as it needs (upgrade, restore).

    PostgreSQL: `pool_size` and `statement_cache` may be given as parameters of the URL.
    """
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme == "sqlite":
        from ensue.store.sqlite import SqliteDriver

        return SqliteDriver(sqlite_path(url), is_read_only=is_read_only)
    if scheme in ("postgresql", "postgres"):
        from ensue.store.postgres import STATEMENT_SECONDS, PostgresDriver

        address, sizes = _own_parameters(url)
        return PostgresDriver(address, statement_seconds=None if is_patient else STATEMENT_SECONDS, **sizes)
    raise InvalidInput(f"Not a database URL: {hidden(url)}", remedy=_REMEDY)


def data_url(data: Path) -> str:
    """The URL of the database in a data directory."""
    return f"sqlite:///{data / DATABASE}"


def sqlite_path(url: str) -> Path:
    """`sqlite:///relative` and `sqlite:////absolute`."""
    rest = url.partition(":")[2]
    if not rest.startswith("///") or rest in ("///", "///:memory:"):
        raise InvalidInput(f"Not the URL of a SQLite file: {url}", remedy=_REMEDY)
    return Path(unquote(rest.removeprefix("///")))


def hidden(url: str) -> str:
    """The URL without its password."""
    return _PASSWORD.sub(r"\1:***@", url)


def _own_parameters(url: str) -> tuple[str, dict[str, int]]:
    parts = urlsplit(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    own = ("pool_size", "statement_cache")
    try:
        sizes = {name: int(value) for name, value in given if name in own}
    except ValueError:
        raise InvalidInput(f"{' and '.join(own)} are numbers: {hidden(url)}") from None
    rest = urlencode([(name, value) for name, value in given if name not in own])
    return urlunsplit(parts._replace(query=rest)), sizes
