"""From a database URL to a driver. Passwords stay out of every message."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from ensue.model.errors import InvalidInput
from ensue.store.driver import Driver

DATABASE: Final = "ensue.db"

_REMEDY = "write sqlite:///path/to/file or postgresql://user@host/database"
_ENCODE = "write / ? # and @ in a password as %2F %3F %23 and %40"
_OWN = ("pool_size", "statement_cache")
_HOST = re.compile(r"[^:\[\]]*(:\d*)?|\[[^\]]*\](:\d*)?")


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

        address, sizes = postgres_address(url)
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


def postgres_address(url: str) -> tuple[str, dict[str, int]]:
    """The URL as PostgreSQL's side knows it, and the parameters that are ours."""
    parts = _split(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    # What is left of a password with one of these signs in it must not become a host, a database or a parameter.
    if "@" in parts.path or parts.fragment or any("@" in name for name, _ in given):
        raise InvalidInput(f"Not a database URL: {hidden(url)}", remedy=_ENCODE)
    try:
        sizes = {name: int(value) for name, value in given if name in _OWN}
    except ValueError:
        raise InvalidInput(f"{' and '.join(_OWN)} are numbers: {hidden(url)}") from None
    user, sign, hosts = parts.netloc.rpartition("@")
    rest = urlencode([(name, value) for name, value in given if name not in _OWN])
    address = f"{parts.scheme.partition('+')[0]}://{user.replace('@', '%40')}{sign}{hosts}{parts.path}"
    return f"{address}?{rest}" if rest else address, sizes


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise InvalidInput(f"Not a database URL: {hidden(url)}", remedy=_ENCODE) from None
    if not _are_hosts(parts.netloc.rpartition("@")[2]):
        raise InvalidInput(f"Not a database URL: {hidden(url)}", remedy=_ENCODE)
    return parts


def _are_hosts(text: str) -> bool:
    return all(_HOST.fullmatch(host) for host in text.split(","))


def hidden(url: str) -> str:
    """The URL without its password and parameters, also one that is not well-formed."""
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        scheme, rest = "", url
    who, at, place = rest.rpartition("@")
    # An @ behind a ? may be a password's, or a parameter's: then nothing is known of what follows it.
    if "?" in who:
        return f"{scheme}{slashes}***"
    place = re.split("[?#]", place, maxsplit=1)[0]
    user = re.split("[:/@#]", who, maxsplit=1)[0]
    if not at and not _are_hosts(place.partition("/")[0]):
        place = f"{place.partition(':')[0]}:***"
    return f"{scheme}{slashes}{user}{'' if user == who else ':***'}{at}{place}"
