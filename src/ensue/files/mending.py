"""What is left of a definition without the parts that have a wrong shape: it can be looked at for further problems."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Final

from ensue.files.marks import Path
from ensue.model.values import Json

DECLARING: Final = frozenset({"metadata", "name", "parameters", "outputs", "matrix", "foreach", "defaults"})
"""What others refer to: without it they would seem to be wrong."""
SOURCES: Final = ("spec", "sources")


def without(value: Json, wrong: Iterable[Path]) -> Json | None:
    """A copy without what is at these paths; None where that leaves nothing to look at."""
    rest = deepcopy(value)
    return rest if all(_remove(rest, path) for path in wrong) else None


def is_apart(place: str, wrong: Iterable[str]) -> bool:
    """Whether a finding at a place has nothing to do with what was taken out elsewhere."""
    return not any(_is_within(place, each) or _is_within(each, place) for each in wrong)


def _is_within(place: str, outer: str) -> bool:
    return place == outer or place.startswith((f"{outer}.", f"{outer}["))


def _remove(root: Json, path: Path) -> bool:
    if len(path) < 2 or DECLARING.intersection(part for part in path if isinstance(part, str)):
        return False
    holder = _at(root, path[:-1])
    match holder, path[-1]:
        case dict(), str() as key if key in holder:
            del holder[key]
            return True
        case dict(), _:
            # It is missing, and what it is missing in is of no use.
            return _remove(root, path[:-1])
        case list(), int() as position if path[:-1] == SOURCES:
            # The others keep their places.
            holder[position] = {"name": f"left-out-{position}", "type": "events"}
            return True
        case list(), _:
            return False
    # It went with something around it.
    return True


def _at(value: Json, path: Path) -> Json:
    for part in path:
        match value, part:
            case dict(), str():
                value = value.get(part)
            case list(), int() if part < len(value):
                value = value[part]
            case _:
                return None
    return value
