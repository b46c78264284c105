"""A followed stream goes on where it was, whatever happened to the connection."""

import time
from collections.abc import Iterator, Mapping

import pytest

from ensue.clients import server
from ensue.clients.server import Server
from ensue.model.errors import Unauthenticated, Unavailable


def event(id: str) -> list[bytes]:
    return [f"id: {id}".encode(), b"event: event", f'data: {{"n": "{id}"}}'.encode(), b""]


BEAT = [b": heartbeat", b"id: 9.9", b""]


class Connections(Server):
    """Each connection gives its lines and then ends, or is lost."""

    def __init__(self, *connections: list[bytes] | Exception) -> None:
        super().__init__(url="http://localhost", token="t", remedy="", is_local=True)
        self.asked: list[str] = []
        self._connections = list(connections)

    def _lines_of(
        self, path: str, query: Mapping[str, str | int], seconds: float | None, headers: Mapping[str, str]
    ) -> Iterator[bytes]:
        self.asked.append(headers.get("Last-Event-ID", ""))
        found = self._connections.pop(0)
        if isinstance(found, Exception):
            raise found
        yield from found


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


@pytest.mark.parametrize(
    ("connections", "got", "asked"),
    [
        ([[b"retry: 1000", b"", *event("1"), *event("2")]], ["1", "2"], [""]),
        ([event("1"), event("2")], ["1", "2"], ["", "1"]),
        ([event("1"), Unavailable("lost"), event("2")], ["1", "2"], ["", "1", "1"]),
        ([[*event("1"), *BEAT], event("2")], ["1", None, "2"], ["", "9.9"]),
        ([[*event("1"), b"id: 2", b"data: 7"], event("2")], ["1", "2"], ["", "1"]),
    ],
)
def test_every_message_comes_once(
    connections: list[list[bytes] | Exception], got: list[str | None], asked: list[str]
) -> None:
    with Connections(*connections) as reached:
        stream = reached.stream("default", note=lambda text: None)
        found = [next(stream) for _ in got]
    assert [message.get("data", {}).get("n") for message in found] == got
    assert reached.asked == asked


def test_who_is_refused_does_not_come_again() -> None:
    with Connections(Unauthenticated("no")) as reached, pytest.raises(Unauthenticated):
        next(reached.stream(None, note=lambda text: None))


def test_a_server_that_stays_away_is_given_up_with_a_word() -> None:
    said: list[str] = []
    with Connections(*[Unavailable("away")] * 20) as reached, pytest.raises(Unavailable, match="away"):
        next(reached.stream(None, note=said.append))
    assert len(said) == server.RECONNECTS + 1
