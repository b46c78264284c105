"""The values of the language: JSON, byte strings, times, and numbers that the language itself made."""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite
from typing import Final, TypeGuard

from ensue.expr.interface import Code
from ensue.model.values import Json


class Number(float):
    """A literal or the result of arithmetic: a float64 that JSON shows as an integer when it is whole."""

    __slots__ = ()


class Failure(Exception):
    """Evaluation ends here. `position` is -1 until the expression it is about is known."""

    def __init__(self, message: str, code: Code = Code.TYPE, position: int = -1) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.position = position


class Nowhere(Failure):
    """A key, index or root that does not exist: what `exists` and the default of `path` are for."""

    def __init__(self, message: str, position: int = -1) -> None:
        super().__init__(message, Code.REFERENCE, position)


class _Unresolved:
    __slots__ = ()

    def __repr__(self) -> str:
        return "UNRESOLVED"


UNRESOLVED: Final = _Unresolved()
"""The value of what is missing or not loaded."""

_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "TRUE": True, "false": False, "FALSE": False}
_EXACT = 2.0**53


def type_name(value: object) -> str:
    """The name of a value's type in the texts of errors, which are Go's."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float64"
        case str() | bytes():
            return "string"
        case list():
            return "[]interface {}"
        case dict():
            return "map[string]interface {}"
        case datetime():
            return "time.Time"
    return type(value).__name__


def number(value: object) -> float | None:
    """The number that a value is or reads as; booleans are none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            raise Failure("the number is out of range", Code.VALUE) from None
    if isinstance(value, str) and len(value) <= 400 and _NUMBER.fullmatch(value):
        return float(value)
    return None


def truth(value: object) -> bool | None:
    """True, False, or None for what is neither."""
    if isinstance(value, bool):
        return value
    if value is None:
        return False
    if isinstance(value, int | float):
        return value != 0
    return _WORDS.get(value) if isinstance(value, str) else None


def made(value: float) -> Number:
    """The result of arithmetic; there is no infinity in JSON."""
    if value - value != 0:
        raise Failure("the result is not a finite number", Code.VALUE)
    return Number(value)


def key_text(key: object) -> str:
    """A key of a map: numbers become their text."""
    if isinstance(key, str):
        return key
    if isinstance(key, bytes):
        return key.decode("utf-8", "replace")
    if isinstance(key, int | float) and not isinstance(key, bool):
        size = finite(number(key) or 0.0)
        return str(int(size)) if size.is_integer() and abs(size) < _EXACT else repr(size)
    raise Failure(f"unexpected key type {type_name(key)}, must be convertible to string")


def select(value: object, key: object) -> object:
    """A member of a map or list."""
    if isinstance(value, dict):
        name = key_text(key)
        try:
            return value[name]
        except KeyError:
            raise Nowhere(f"unknown key {name}") from None
    if isinstance(value, list):
        index = _index(key)
        if not -len(value) <= index < len(value):
            raise Nowhere(f"index {index} out of bounds")
        return value[index]
    raise Failure(f"unsupported value type {type_name(value)} for select of field {key_text(key)}")


def _index(key: object) -> int:
    if isinstance(key, str):
        if re.fullmatch(r"[-+]?[0-9]{1,18}", key):
            return int(key)
        reason = f"parsing {quoted(key)}: invalid syntax"
        raise Failure(f"unexpected string index {quoted(key)} for slice, must be convertible to int: {reason}")
    if isinstance(key, int | float) and not isinstance(key, bool):
        return int(finite(key))
    raise Failure(f"unexpected index type {type_name(key)} for slice, must be convertible to int")


def quoted(text: str) -> str:
    """A text in double quotes for an error, cut when long."""
    text = text if len(text) <= 200 else text[:199] + "…"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def is_json(value: object) -> TypeGuard[Json]:
    """Whether a value is a JSON scalar as it stands."""
    kind = type(value)
    if kind is float and isinstance(value, float):
        return isfinite(value)
    return kind is str or kind is int or kind is bool or value is None


def finite(value: float) -> float:
    """YAML, and JSON as Python reads it, may bring numbers that JSON does not have."""
    if isinstance(value, int) or isfinite(value):
        return value
    raise Failure("the number is not finite", Code.VALUE)


def to_json(value: object, count: Callable[[int], None], levels: int) -> Json:
    """The value as JSON. `count` is told of every element and refuses too many of them."""
    match value:
        case Number():
            return int(value) if value.is_integer() and abs(value) < 1e21 else float(finite(value))
        case float():
            return finite(value)
        case None | bool() | int() | str():
            return value
        case bytes():
            return _text_or_encoded(value)
        case datetime():
            return rfc3339(value)
    if levels <= 0:
        raise Failure("the value is nested too deep", Code.LIMIT)
    if isinstance(value, list):
        count(len(value) + 1)
        return [to_json(item, count, levels - 1) for item in value]
    if isinstance(value, dict):
        count(len(value) + 1)
        return {key: to_json(item, count, levels - 1) for key, item in value.items()}
    raise Failure(f"could not evaluate a value of type {type_name(value)}")


def _text_or_encoded(data: bytes) -> Json:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"$encoding": "base64", "data": base64.b64encode(data).decode("ascii")}


def as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def rfc3339(moment: datetime) -> str:
    text = moment.isoformat()
    if moment.microsecond:
        text = text.replace(f".{moment.microsecond:06d}", f".{moment.microsecond:06d}".rstrip("0"))
    return text.removesuffix("+00:00") + "Z" if moment.utcoffset() == UTC.utcoffset(None) else text


def is_equal(left: object, right: object, count: Callable[[int], None], *, is_strict: bool, levels: int) -> bool:
    """Deep equality without coercion: integers and floats of data differ, as in `equals`."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        is_loose = not is_strict and (isinstance(left, Number) or isinstance(right, Number))
        return left == right and (is_loose or isinstance(left, int) == isinstance(right, int))
    if isinstance(left, str | bytes) and isinstance(right, str | bytes):
        return left == right if type(left) is type(right) else as_bytes(left) == as_bytes(right)
    if levels <= 0:
        raise Failure("the values are nested too deep", Code.LIMIT)
    if isinstance(left, list) and isinstance(right, list):
        count(len(left) + 1)
        return len(left) == len(right) and all(
            is_equal(one, other, count, is_strict=is_strict, levels=levels - 1)
            for one, other in zip(left, right, strict=True)
        )
    if isinstance(left, dict) and isinstance(right, dict):
        count(len(left) + 1)
        return left.keys() == right.keys() and all(
            is_equal(item, right[key], count, is_strict=is_strict, levels=levels - 1) for key, item in left.items()
        )
    return type(left) is type(right) and left == right
