"""What a shell can complete besides commands and options: kinds, forms, and the names that a server near has."""

from collections.abc import Callable, Iterable

import click

from ensue.model.errors import EnsueError

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
    from ensue.cli import target
    from ensue.cli.invocation import Invocation

    said = context.find_object(Invocation) or Invocation()
    try:
        with context.scope(cleanup=False), target.server() as server:
            found = server.list(plural, said.namespace or "default", limit=MOST)["items"]
    except (EnsueError, click.ClickException, OSError):
        return []
    return [name for name in (str(item["metadata"]["name"]) for item in found) if name.startswith(start)]
