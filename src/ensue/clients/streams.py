"""Answers that come bit by bit: lines of logs, messages of the stream of events."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx

Body = dict[str, Any]


class Given:
    """What a reader of a log has, so that nothing comes twice when the log does."""

    def __init__(self) -> None:
        self.count = 0
        self.left_out_until: datetime | None = None
        """Of steps of which the reader has nothing, it wants nothing older: the tail that it asked for left it out."""
        self._last: dict[tuple[str, int], int] = {}

    def is_new(self, line: Body) -> bool:
        place = (line["step"], line["attempt"])
        if line["offset"] <= self._last.get(place, -1):
            return False
        if place not in self._last and self._is_left_out(line):
            return False
        self._last[place] = line["offset"]
        self.count += 1
        return True

    def _is_left_out(self, line: Body) -> bool:
        return self.left_out_until is not None and datetime.fromisoformat(line["time"]) < self.left_out_until


def split(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Lines, by line ends alone: other separators are part of a log."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        raise httpx.RemoteProtocolError("the answer ended within a line")


def messages(lines: Iterator[bytes]) -> Iterator[Body]:
    """Server-sent events that have an id: `{id, data}`, `{id}` for one without data."""
    found: Body = {}
    for line in lines:
        name, _, value = line.decode().removesuffix("\r").partition(": ")
        if name in ("id", "data"):
            found[name] = json.loads(value) if name == "data" else value
        elif not line.strip():
            if "id" in found:
                yield found
            found = {}
