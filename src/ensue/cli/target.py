"""Which server a command talks to: the one of a data directory, or of ENSUE_URL."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from ensue.model.errors import InvalidInput, NotFound, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from ensue.clients.server import Server

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
DIRECTORY = "ensue.data"
START = "start one with `ensue server`, or name it with --data DIR or ENSUE_URL"


def option(command: Decorated) -> Decorated:
    """Add --data, which chooses the server."""

    def store(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
        context.meta[DIRECTORY] = value

    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="The server's data directory, where its address and token are.",
        expose_value=False,
        callback=store,
    )(command)


def server() -> "Server":
    """The server to talk to. Raises NotFound, Unavailable, Unauthenticated, InvalidInput."""
    directory: Path | None = click.get_current_context().meta.get(DIRECTORY)
    url = os.environ.get("ENSUE_URL")
    return _by_url(url) if url and directory is None else _by_directory(directory)


def _by_url(url: str) -> "Server":
    from ensue.clients.server import Server

    if urlsplit(url).scheme not in ("http", "https"):
        raise InvalidInput(f"ENSUE_URL is not an address: {url}", remedy="write it as https://ensue.example.org")
    token = os.environ.get("ENSUE_TOKEN") or _token_of_file()
    if not token:
        raise Unauthenticated(f"there is no token for {url}", remedy="set ENSUE_TOKEN or ENSUE_TOKEN_FILE")
    return Server(url=url.rstrip("/"), token=token, remedy="check ENSUE_URL and ENSUE_TOKEN", is_local=False)


def _token_of_file() -> str:
    path = os.environ.get("ENSUE_TOKEN_FILE")
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InvalidInput(f"ENSUE_TOKEN_FILE: {path} cannot be read: {error.strerror}") from None


def _by_directory(directory: Path | None) -> "Server":
    from ensue.clients.server import Server

    directory = directory or default_directory()
    try:
        found = json.loads((directory / "server.json").read_text(encoding="utf-8"))
        url, pid = str(found["url"]), int(found["pid"])
        token = (directory / "token").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise Unavailable(f"no server runs on {directory}", remedy=START) from None
    except PermissionError as error:
        raise Unauthenticated(f"{error.filename} may not be read", remedy="use the server's user") from None
    except NotADirectoryError:
        raise NotFound(f"{directory} is not a directory", remedy="name the server's with --data") from None
    except (ValueError, KeyError, TypeError):
        raise Unavailable(f"{directory / 'server.json'} is broken", remedy="restart the server") from None
    return Server(url=url, token=token, remedy=_remedy(pid), is_local=True)


def _remedy(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return f"its process {pid} is gone: start it again with `ensue server`"
    except PermissionError:
        pass
    return f"process {pid} should serve it: restart that, or check --data"


def default_directory() -> Path:
    """Where settings have it, without the cost of reading them."""
    if found := os.environ.get("ENSUE_DATA_DIR"):
        return Path(found)
    if os.geteuid() == 0:
        return Path("/var/lib/ensue")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "ensue"
