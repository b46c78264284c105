"""CEL values as plain Python, without converting what came from outside.

null, bool, int, double, string, bytes and list are None, bool, int, float, str, bytes and list. A map is a dict when
all its keys are strings (so every JSON object is one as it is) and a `Map` otherwise, which keeps 1 and true apart."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ensue.expr.cel import failure
from ensue.expr.cel.meter import Meter
from ensue.expr.interface import Code

Value = Any
"""A CEL value. Its type is the language's business, checked when an operation meets it."""

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
UINT_MAX: Final = 2**64 - 1
NANOS: Final = 1_000_000_000
TIMESTAMP_MIN: Final = -62_135_596_800 * NANOS
TIMESTAMP_MAX: Final = 253_402_300_800 * NANOS - 1
DURATION_MAX: Final = 315_576_000_000 * NANOS


class Missing:
    """What a lookup answers when there is nothing."""

    __slots__ = ()


MISSING: Final = Missing()


class Uint(int):
    __slots__ = ()

    def __new__(cls, value: int) -> "Uint":
        if not 0 <= value <= UINT_MAX:
            raise failure.Failure("unsigned integer overflow")
        return super().__new__(cls, value)


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """Nanoseconds since 1970, UTC."""

    nanos: int

    def __post_init__(self) -> None:
        if not TIMESTAMP_MIN <= self.nanos <= TIMESTAMP_MAX:
            raise failure.Failure("timestamp overflow: years are 1 to 9999")


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    nanos: int

    def __post_init__(self) -> None:
        if not -DURATION_MAX <= self.nanos <= DURATION_MAX:
            raise failure.Failure("duration overflow")


@dataclass(frozen=True, slots=True, eq=False)
class Optional:
    """A value or, where `value` is MISSING, none. Compare with `equal`."""

    value: Value = MISSING

    @property
    def has_value(self) -> bool:
        return self.value is not MISSING


NONE: Final = Optional()


@dataclass(frozen=True, slots=True)
class Type:
    """A type as a value, named as `type()` names it."""

    name: str


class Map:
    """A map with a key that is no string. Keys keep their type; 1, 1u and 1.0 find the same entry."""

    __slots__ = ("_entries",)

    def __init__(self, pairs: Iterable[tuple[Value, Value]]) -> None:
        self._entries: dict[object, tuple[Value, Value]] = {}
        for key, value in pairs:
            canonical = canonical_key(key)
            if canonical is None or isinstance(key, float):
                raise failure.Failure(f"a map cannot have a key of type {type_name(key)}", Code.TYPE)
            if canonical in self._entries:
                raise failure.Failure(f"the map has the key {show_key(key)} twice")
            self._entries[canonical] = (key, value)

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: Value) -> Value:
        entry = self._entries.get(canonical_key(key))
        return MISSING if entry is None else entry[1]

    def items(self) -> Iterable[tuple[Value, Value]]:
        return self._entries.values()


def canonical_key(key: Value) -> object:
    """The same for keys that are equal in CEL, different for others; None for what can be no key."""
    kind = class_of(key)
    if kind is str:
        return key
    if kind is bool:
        return (key,)
    if kind is int or kind is Uint:
        return int(key)
    if kind is float and key.is_integer():
        return int(key)
    return None


def build_map(pairs: Iterable[tuple[Value, Value]]) -> "dict[str, Value] | Map":
    """A map from its entries; a key that comes twice is a failure."""
    entries = list(pairs)
    if not all(isinstance(key, str) for key, _ in entries):
        return Map(entries)
    result: dict[str, Value] = dict(entries)
    if len(result) == len(entries):
        return result
    seen: set[str] = set()
    for key, _ in entries:
        if key in seen:
            raise failure.Failure(f"the map has the key {show_key(key)} twice")
        seen.add(key)
    return result


def find(container: "dict[str, Value] | Map", key: Value) -> Value:
    """The value of a key, or MISSING."""
    if isinstance(container, Map):
        return container.find(key)
    return container.get(key, MISSING) if isinstance(key, str) else MISSING


def entries(container: "dict[str, Value] | Map") -> Iterable[tuple[Value, Value]]:
    return container.items()


def keys(container: "dict[str, Value] | Map") -> Iterator[Value]:
    return (key for key, _ in container.items())


def show_key(key: Value) -> str:
    """A key as an error message names it."""
    if isinstance(key, bool):
        return "true" if key else "false"
    return show_int(key) if isinstance(key, int) else str(key)[:200]


def show_int(number: int) -> str:
    """Digits, though Python refuses to print numbers of thousands of them."""
    return str(int(number)) if number.bit_length() <= 1024 else hex(number)[:64] + "…"


_TYPE_NAMES: Final[dict[type, str]] = {
    type(None): "null_type",
    bool: "bool",
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    dict: "map",
    Map: "map",
    Timestamp: "google.protobuf.Timestamp",
    Duration: "google.protobuf.Duration",
    Optional: "optional_type",
    Type: "type",
}
_KINDS: Final[dict[type, str]] = _TYPE_NAMES | {
    type(None): "null",
    Timestamp: "timestamp",
    Duration: "duration",
    Optional: "optional",
}
_SUBCLASSED: Final = (bool, Uint, int, float, str, bytes, list, dict)
_SCALARS: Final = frozenset({type(None), bool, int, Uint, float, str, bytes, Timestamp, Duration, Type})
_NUMBERS: Final = frozenset({int, Uint, float})
_LONG: Final = 1024
_MAPS: Final = frozenset({dict, Map})


def class_of(value: Value) -> type:
    """The Python class that stands for the CEL type of a value, whatever subclass the value has."""
    cls = type(value)
    if cls in _TYPE_NAMES:
        return cls
    for base in _SUBCLASSED:
        if isinstance(value, base):
            return base
    raise failure.Failure(f"a value of the Python type {cls.__name__} is no CEL value", Code.TYPE)


def type_name(value: Value) -> str:
    """The name that `type()` gives."""
    return _TYPE_NAMES[class_of(value)]


def kind_of(value: Value) -> str:
    """The short name by which functions declare arguments: `null`, `timestamp`, `map`…"""
    return _KINDS[class_of(value)]


def equal(left: Value, right: Value, meter: Meter | None = None) -> bool:
    """CEL's `==` over all types: numbers compare across types, other types are never equal to each other.
    Without a meter it never fails, with one it stops where the budget does."""
    a, b = type(left), type(right)
    if a in _SCALARS and b in _SCALARS:
        if meter is not None and (a is str or a is bytes) and len(left) > _LONG:
            meter.look(len(left))
        return bool(left == right) if a is b or (a in _NUMBERS and b in _NUMBERS) else False
    waiting: list[tuple[Value, Value]] = [(left, right)]
    while waiting:
        pairs = _parts(*waiting.pop())
        if pairs is None:
            return False
        if meter is not None:
            meter.step(1 + len(pairs))
        waiting.extend(pairs)
    return True


def _parts(left: Value, right: Value) -> list[tuple[Value, Value]] | None:
    """What must be equal in two values for them to be; None when they are not, whatever the rest."""
    try:
        a, b = class_of(left), class_of(right)
    except failure.Failure:
        return None
    if a in _SCALARS:
        return [] if (a is b or (a in _NUMBERS and b in _NUMBERS)) and left == right else None
    if a is list and b is list:
        return list(zip(left, right, strict=True)) if len(left) == len(right) else None
    if a in _MAPS and b in _MAPS:
        if len(left) != len(right):
            return None
        pairs = [(value, find(right, key)) for key, value in left.items()]
        return None if any(other is MISSING for _, other in pairs) else pairs
    if a is Optional and b is Optional and left.has_value == right.has_value:
        return [(left.value, right.value)] if left.has_value else []
    return None


def checked(number: int) -> int:
    """The number, if a CEL int can hold it."""
    if INT_MIN <= number <= INT_MAX:
        return number
    raise failure.Failure("integer overflow")
