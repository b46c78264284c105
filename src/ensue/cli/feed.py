"""Following events: those there are, and then each as it is stored."""

import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ensue.clients.server import Server

View = dict[str, Any]


def events(
    server: "Server", namespace: str | None, fields: str, latest: Callable[[], list[View]], note: Callable[[str], None]
) -> Iterator[list[View]]:
    """First the latest, the oldest of them to begin with, and then one by one; nothing in between is missed and nothing
    comes twice."""
    query = {"fieldSelector": fields} if fields else {}
    stream = server.stream(namespace, note=note, **query)
    # The stream begins before the list is read, so what is stored meanwhile is in one of them, or in both.
    first = next(stream)
    known = latest()[::-1]
    given = {item["metadata"]["uid"] for item in known}
    yield known
    for message in itertools.chain((first,), stream):
        if "data" in message and message["data"]["metadata"]["uid"] not in given:
            yield [message["data"]]
