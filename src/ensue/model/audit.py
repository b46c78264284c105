"""The audit log as a chain: a row's link is the hash of the row, its place and the link before it."""

import hashlib
import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A place in the chain; 0 and empty before its first row."""

    position: int = 0
    link: str = ""

    def __str__(self) -> str:
        return f"{self.position}:{self.link}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A sealed row, as it is stored."""

    position: int
    link: str
    seq: int
    fields: tuple[str | int, ...]
    """All its other columns, in the order of the table; texts of JSON as they are stored."""


def link_of(previous: str, position: int, seq: int, fields: tuple[str | int, ...]) -> str:
    content = json.dumps([previous, position, seq, *fields], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()
