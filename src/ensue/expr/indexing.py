"""Index clauses: which values some paths must have whenever a filter says yes, so that a table finds the candidates."""

from collections.abc import Iterable, Mapping

from ensue.model.values import Json

Path = tuple[str, ...]
"""A root and the names below it: `("event", "data", "ref")`."""
Key = tuple[str, object]
"""A kind and a value; equal exactly when the values are equal in the languages of filters."""
Clauses = Mapping[Path, frozenset[Key]]
"""All of them must hold. An empty set of keys says that the filter never says yes."""

ANYTHING: Clauses = {}
"""Nothing is known of when the filter says yes."""
NEVER: Clauses = {(): frozenset()}
"""It never says yes."""
MAX_KEYS = 1000
"""A clause with more values than this is dropped: it tells little and costs much."""


def index_key(value: object) -> Key | None:
    """The key of a scalar; None for all that clauses do not speak of. Python's `1 == True` does not hold here."""
    match value:
        case None:
            return ("null", None)
        case bool():
            return ("bool", value)
        case int() | float():
            return ("number", value)
        case str():
            return ("string", value)
        case bytes():
            return ("bytes", value)
    return None


def find(roots: dict[str, Json], path: Path) -> Key | None:
    """The key at a path of an event; None when nothing or no scalar is there."""
    value: Json = roots
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return index_key(value)


def hold(clauses: Clauses, roots: dict[str, Json]) -> bool:
    """Whether the event may be a candidate."""
    return all(find(roots, path) in keys for path, keys in clauses.items())


def every(parts: Iterable[Clauses]) -> Clauses:
    """The clauses of a filter that asks for all of its parts."""
    found: dict[Path, frozenset[Key]] = {}
    for part in parts:
        for path, keys in part.items():
            found[path] = found[path] & keys if path in found else keys
    return found


def some(parts: Iterable[Clauses]) -> Clauses:
    """The clauses of a filter that is content with one of its parts."""
    possible = [part for part in parts if not is_never(part)]
    if not possible:
        return NEVER
    found = {path: set(keys) for path, keys in possible[0].items()}
    for part in possible[1:]:
        for path in [*found]:
            if path in part and len(found[path]) <= MAX_KEYS:
                found[path] |= part[path]
            else:
                del found[path]
    return {path: frozenset(keys) for path, keys in found.items() if len(keys) <= MAX_KEYS}


def is_never(clauses: Clauses) -> bool:
    """Whether the filter says yes to no event at all."""
    return any(not keys for keys in clauses.values())
