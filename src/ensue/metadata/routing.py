"""Paths to endpoints, on the path as it was sent: a quoted slash is part of a name. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import unquote_plus

E = TypeVar("E")
Paths = tuple[tuple[re.Pattern[str], Mapping[str, E]], ...]
"""What a path is, and its endpoints by method."""

_MALFORMED = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
_UNCLEAN = re.compile(r"//|/\.{1,2}(?:/|$)")


@dataclass(frozen=True, slots=True)
class Found(Generic[E]):
    endpoint: E
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The same path, cleaned of doubled slashes and dots."""

    path: str


@dataclass(frozen=True, slots=True)
class Nowhere:
    """No such path."""


@dataclass(frozen=True, slots=True)
class NoMethod:
    """The path is there, the method is not."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """An escape that is none, or one of a NUL, which no name has."""


def paths(table: Mapping[str, Mapping[str, E]]) -> Paths[E]:
    """Of a table by texts as `/outputs/{step}/{name}`."""
    return tuple((re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text)), methods) for text, methods in table.items())


def route(known: Paths[E], method: str, path: str) -> Found[E] | Elsewhere | Nowhere | NoMethod | Malformed:
    if _MALFORMED.search(path):
        return Malformed()
    if _UNCLEAN.search(path):
        return Elsewhere(_cleaned(path))
    is_known = False
    for pattern, methods in known:
        if match := pattern.fullmatch(path):
            if method in methods:
                names = {name: unquote_plus(text, errors="replace") for name, text in match.groupdict().items()}
                return Found(methods[method], names)
            is_known = True
    return NoMethod() if is_known else Nowhere()


def _cleaned(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    cleaned = "/" + "/".join(parts)
    return f"{cleaned}/" if path.endswith("/") and cleaned != "/" else cleaned
