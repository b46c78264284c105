"""Which server a command talks to: the one of a data directory, of ENSUE_URL, or one that was logged in to."""

import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from ensue.cli import contexts, invocation, waiting
from ensue.cli.invocation import Invocation
from ensue.model.errors import InvalidInput, NotFound, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from ensue.clients.server import Server

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
DIRECTORY = "ensue.data"
START = "start one with `ensue server`, or name it with --data DIR or ENSUE_URL"
UNKNOWN = "set ENSUE_TOKEN or ENSUE_TOKEN_FILE, or name a server of this machine with --data"


def option(command: Decorated) -> Decorated:
    """Add --data and --context, which choose the server."""
    return option_named("--data")(command)


def option_named(name: str) -> Callable[[Decorated], Decorated]:
    """The same by another name, for a command whose --data is something else."""

    def store(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
        if value is not None:
            context.meta[DIRECTORY] = value

    data = click.option(
        name,
        "server_data",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="The server's data directory, where its address and token are.",
        expose_value=False,
        callback=store,
    )
    return lambda command: invocation.context(data(command))


def server() -> "Server":
    """The server to talk to. Raises NotFound, Unavailable, Unauthenticated, InvalidInput."""
    context = click.get_current_context()
    said = context.find_object(Invocation) or Invocation()
    directory: Path | None = context.meta.get(DIRECTORY)
    named = said.context or os.environ.get("ENSUE_CONTEXT", "")
    if directory is not None:
        if said.context:
            raise click.UsageError("--data and --context name two servers: give one of them")
        return _by_directory(directory, said)
    if named:
        return _by_context(named, said)
    if (url := os.environ.get("ENSUE_URL")) and not _is_our_own_address():
        return _by_url(url, said)
    if url or _is_directory_named():
        return _by_directory(None, said)
    return _by_context(contexts.read().current, said)


def flags() -> str:
    """What names this server to another command, with a space before; empty where nothing has to."""
    context = click.get_current_context()
    said = context.find_object(Invocation) or Invocation()
    directory: Path | None = context.meta.get(DIRECTORY)
    words = ["--data", str(directory)] if directory is not None else ["--context", said.context] if said.context else []
    return "".join(f" {shlex.quote(word)}" for word in words)


def warn_of_override(context: str) -> bool:
    """Warn where a variable comes before this context, though it is the current one; say whether that is so."""
    if named := os.environ.get("ENSUE_CONTEXT", ""):
        variable = "" if named == context else "ENSUE_CONTEXT"
    elif os.environ.get("ENSUE_URL") and not _is_our_own_address():
        variable = "ENSUE_URL"
    elif context == contexts.LOCAL:
        variable = ""
    else:
        variables = ("ENSUE_URL", "ENSUE_DATA_DIR", "ENSUE_DATA_DIR_FILE")
        variable = next((each for each in variables if each in os.environ), "")
    if variable:
        remedy = f"unset it, or give --context {context}"
        click.echo(f"warning: commands talk to the server that {variable} names, not to {context} ({remedy})", err=True)
    return bool(variable)


def _is_our_own_address() -> bool:
    """ENSUE_URL also tells a server how others reach it: beside that server, without a token, it is no other."""
    from ensue import settings

    if token_of_environment():
        return False
    return waiting.is_owned(settings.named_data_dir(os.environ) or settings.default_data_dir())


def _is_directory_named() -> bool:
    return "ENSUE_DATA_DIR" in os.environ or "ENSUE_DATA_DIR_FILE" in os.environ


def _by_context(name: str, said: Invocation) -> "Server":
    if name == contexts.LOCAL:
        return _by_directory(None, said)
    found = contexts.read().get(name)
    return at(found.url, found.token, f"log in again: `ensue login {found.url} --name {name}`", said)


def at(url: str, token: str, remedy: str, said: Invocation) -> "Server":
    """A server elsewhere."""
    from ensue.clients.server import Server

    return Server(url=url, token=token, remedy=remedy, is_local=False, note=_note(said))


def _by_url(url: str, said: Invocation) -> "Server":
    if urlsplit(url).scheme not in ("http", "https"):
        raise InvalidInput(f"ENSUE_URL is not an address: {url}", remedy="write it as https://ensue.example.org")
    token = token_of_environment()
    if not token:
        raise Unauthenticated(f"there is no token for {url}", remedy=UNKNOWN)
    return at(url.rstrip("/"), token, "check ENSUE_URL and ENSUE_TOKEN", said)


def token_of_environment() -> str:
    """Empty when there is none. Raises InvalidInput."""
    if token := os.environ.get("ENSUE_TOKEN"):
        return token
    path = os.environ.get("ENSUE_TOKEN_FILE")
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InvalidInput(f"ENSUE_TOKEN_FILE: {path} cannot be read: {error.strerror}") from None


def _by_directory(directory: Path | None, said: Invocation) -> "Server":
    from ensue import settings
    from ensue.clients.server import Server

    named = directory or settings.named_data_dir(os.environ)
    directory = named or settings.default_data_dir()
    if not click.get_current_context().resilient_parsing:  # A completion waits for nothing.
        waiting.for_server(directory, is_named=named is not None, say=said.say)
    try:
        found = json.loads((directory / waiting.ADDRESS).read_text(encoding="utf-8"))
        url, pid = str(found["url"]), int(found["pid"])
        token = (directory / "token").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise Unavailable(f"no server runs on {directory}", remedy=START) from None
    except PermissionError as error:
        raise Unauthenticated(f"{error.filename} may not be read", remedy="use the server's user") from None
    except NotADirectoryError:
        raise NotFound(f"{directory} is not a directory", remedy="name the server's with --data") from None
    except (ValueError, KeyError, TypeError):
        raise Unavailable(f"{directory / waiting.ADDRESS} is broken", remedy="restart the server") from None
    return Server(url=url, token=token, remedy=_remedy(pid), is_local=True, note=_note(said))


def _note(said: Invocation) -> Callable[[str], None] | None:
    return said.say_more if said.verbosity else None


def _remedy(pid: int) -> str:
    if not waiting.is_alive(pid):
        return f"its process {pid} is gone: start it again with `ensue server`"
    return f"process {pid} should serve it: restart that, or check --data"
