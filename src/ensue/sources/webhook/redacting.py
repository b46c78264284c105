"""Takes out of a payload what its source says must not be stored."""

from collections.abc import Iterable, Sequence
from typing import Final

from ensue.model.values import Json

MASK: Final = "***"
EVERY: Final = "*"
"""Stands for every item of a list or value of an object."""


def redact(data: Json, places: Iterable[str]) -> Json:
    """A copy with `***` at these places; what is not there is left alone. The payload itself is not changed."""
    for place in places:
        data = _masked(data, steps(place))
    return data


def steps(place: str) -> tuple[str, ...]:
    """Of `data.user.token`, or of the JSON pointer `/user/token`, which has room for dots in names."""
    if place.startswith("/"):
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in place[1:].split("/"))
    return tuple(place.split(".")[1:])


def _masked(data: Json, path: Sequence[str]) -> Json:
    if not path:
        return MASK
    first, rest = path[0], path[1:]
    if isinstance(data, dict):
        keys = list(data) if first == EVERY else [first]
        changed = {key: _masked(data[key], rest) for key in keys if key in data}
        return {**data, **changed} if changed else data
    if isinstance(data, list):
        return [_masked(item, rest) if first in (EVERY, str(at)) else item for at, item in enumerate(data)]
    return data
