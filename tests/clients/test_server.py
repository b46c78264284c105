"""A followed log goes on where it was, whatever happened to the connection."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ensue.clients import server
from ensue.clients.server import Server
from ensue.model.errors import Unavailable

LONG_AGO = datetime.now(UTC) - timedelta(hours=1)
Body = dict[str, Any]


def line(step: str, offset: int, *, attempt: int = 1, at: datetime = LONG_AGO) -> Body:
    text = f"{step}{offset}"
    return {"step": step, "attempt": attempt, "offset": offset, "text": text, "time": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"}


class Connections(Server):
    """A server that is reached again and again: each connection gives its lines and is then lost, but for the last."""

    def __init__(self, *connections: list[Body]) -> None:
        super().__init__(url="http://localhost", token="t", remedy="", is_local=True)
        self.asked: list[Mapping[str, str | int]] = []
        self._connections = list(connections)

    def get(self, plural: str, namespace: str, name: str, **query: str | float) -> Body:
        return {"status": {"completionTime": "now"}}

    def _lines(self, path: str, query: Mapping[str, str | int]) -> Iterator[Body]:
        self.asked.append(query)
        yield from self._connections.pop(0)
        if self._connections:
            raise Unavailable("lost")


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LONGEST_PAUSE", 0.0)


def followed(*connections: list[Body], **query: int) -> tuple[list[str], list[object]]:
    """What the reader got, and the tails that were asked for."""
    with Connections(*connections) as reached:
        got = [each["text"] for each in reached.log("default", "r", None, follow=True, note=lambda text: None, **query)]
        return got, [query.get("tail") for query in reached.asked]


A, B = ([line(step, number) for number in range(10)] for step in "ab")
NEW = datetime.now(UTC) + timedelta(hours=1)


@pytest.mark.parametrize(
    ("connections", "tail", "expected"),
    [
        ([A[:3], A], None, [f"a{number}" for number in range(10)]),
        ([A[:3], [*A[:5], *B[:2]], [*A[:5], *B[:3]]], None, ["a0", "a1", "a2", "a3", "a4", "b0", "b1", "b2"]),
        ([A[-3:], A], 3, ["a7", "a8", "a9"]),
        ([A[-3:-1], A], 2, ["a7", "a8", "a9"]),
        ([B[:2], [*A, *B[:3]]], 2, ["b0", "b1", "b2"]),
        ([B[:2], [*A, line("a", 10, at=NEW), *B[:3]]], 2, ["b0", "b1", "a10", "b2"]),
        ([B[:2], [*A, *B[:2], line("b", 0, attempt=2, at=NEW)]], 2, ["b0", "b1", "b0"]),
        ([[], [*A, line("a", 10, at=NEW)]], 0, ["a10"]),
        ([[*A[:2]], [*A[:2], *B[:2]]], 9, ["a0", "a1", "b0", "b1"]),
    ],
    ids=[
        "the whole log, once more",
        "lost twice",
        "a tail",
        "a tail, and what came meanwhile",
        "a step that the tail left out",
        "a step that the tail left out and that goes on",
        "a new attempt of a step",
        "no line of what there is",
        "a log shorter than the tail",
    ],
)
def test_no_line_comes_twice_or_is_missing_after_the_connection_was_lost(
    connections: list[list[Body]], tail: int | None, expected: list[str]
) -> None:
    got, asked = followed(*connections, **({} if tail is None else {"tail": tail}))
    assert got == expected
    assert asked == [tail, *[None] * (len(connections) - 1)]


def test_a_tail_of_which_nothing_came_is_asked_for_again() -> None:
    assert followed([], A[-3:], tail=3) == (["a7", "a8", "a9"], [3, 3])


def test_a_log_that_is_not_followed_ends_with_its_connection() -> None:
    with Connections(A, A) as reached, pytest.raises(Unavailable):
        list(reached.log("default", "r", None, follow=False, note=lambda text: None))
