"""The part of jsonpath that people use: `{.status.steps[*].name}`, `items[0].metadata['name']`. Pure."""

import json
import re
from typing import Any

import click

_PART = re.compile(
    r"""\.?(?:(?P<name>[A-Za-z0-9_-]+)|(?P<every>\*))|\[(?:(?P<all>\*)|(?P<index>-?\d+)|'(?P<q>[^']*)'|"(?P<qq>[^"]*)")\]"""
)
REMEDY = "it knows .name, ['name'], [0] and [*]"


def find(text: str, value: Any) -> str:
    """The values at the path, with blanks between; a path that leads nowhere finds nothing."""
    found = [value]
    for part in parse(text):
        found = [inner for outer in found for inner in _enter(outer, part)]
    return " ".join(each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in found)


def parse(text: str) -> list[str | int]:
    """Names and positions; "*" is all. Raises BadParameter."""
    path = text.strip()
    if path.startswith("{") and path.endswith("}"):
        path = path[1:-1].strip()
    path = path.removeprefix("$")
    parts: list[str | int] = []
    place = 0
    while place < len(path) and path != ".":
        match = _PART.match(path, place)
        if match is None or (place and path[place] not in ".["):
            raise click.BadParameter(
                f"jsonpath: not understood from {path[place:]!r} on: {REMEDY}", param_hint="--output"
            )
        place = match.end()
        parts.append(_part(match))
    return parts


def _part(match: "re.Match[str]") -> str | int:
    if match["every"] or match["all"]:
        return "*"
    if match["index"] is not None:
        return int(match["index"])
    return next(text for text in (match["name"], match["q"], match["qq"]) if text is not None)


def _enter(value: Any, part: str | int) -> list[Any]:
    match value, part:
        case dict(), "*":
            return list(value.values())
        case list(), "*":
            return list(value)
        case dict(), str() if part in value:
            return [value[part]]
        case list(), int() if -len(value) <= part < len(value):
            return [value[part]]
    return []
