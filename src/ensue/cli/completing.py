"""What a shell can complete besides commands and options: kinds, forms, and the names that a server near has."""

import os
import shlex
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from ensue.model.errors import EnsueError

if TYPE_CHECKING:
    from ensue.clients.server import Server

VARIABLE = "_ENSUE_COMPLETE"
Complete = Callable[[click.Context, click.Parameter, str], list[str]]
MOST = 200


def of_words(words: Iterable[str]) -> Complete:
    """Those that begin as what is there."""
    known = tuple(words)
    return lambda context, parameter, start: [word for word in known if word.startswith(start)]


def of_names(plural: str) -> Complete:
    """The names of what the server has of a kind; nothing where there is no server, or no right to ask."""
    return lambda context, parameter, start: names(context, plural, start)


def names(context: click.Context, plural: str, start: str) -> list[str]:
    found = _asked(context, lambda server, namespace: server.list(plural, namespace, limit=MOST))
    return _fitting((item["metadata"]["name"] for item in found.get("items", ())), start)


def steps(context: click.Context, parameter: click.Parameter, start: str) -> list[str]:
    """The names of the steps of the run that was named before."""
    from ensue.cli import following

    # Before an option that waits for its value, arguments have no names yet.
    run = following.plain(context.params.get("run") or next(iter(context.args), ""))
    found = _asked(context, lambda server, namespace: server.get("runs", namespace, run)) if run else {}
    return _fitting((step["name"] for step in found.get("status", {}).get("steps", ())), start)


def _asked(context: click.Context, ask: "Callable[[Server, str], dict[str, Any]]") -> dict[str, Any]:
    from ensue.cli import target
    from ensue.cli.invocation import Invocation

    said = context.find_object(Invocation) or Invocation()
    try:
        with context.scope(cleanup=False), target.server() as server:
            return ask(server, said.namespace or "default")
    except (EnsueError, click.ClickException, OSError):
        return {}


def _fitting(found: Iterable[str], start: str) -> list[str]:
    return [_quoted(name) for name in found if name.startswith(start)]


def _quoted(name: str) -> str:
    """For bash, which takes what it is given for what was typed; other shells quote, and an open quote does."""
    if not os.environ.get(VARIABLE, "").startswith("bash"):
        return name
    try:
        shlex.split(os.environ.get("COMP_WORDS", ""))
    except ValueError:
        return name
    return shlex.quote(name)
