"""What the operators do with two values: arithmetic that overflows loudly, order, membership."""

import math
import operator
from collections.abc import Callable
from typing import Final

from ensue.expr.cel import failure, remedying, values
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.values import INT_MAX, INT_MIN, Duration, Map, Timestamp, Uint, Value
from ensue.expr.interface import Code

Operator = Callable[[Value, Value, Meter], Value]
_SIZED: Final = frozenset({str, bytes, list})
_ORDERED: Final = frozenset({bool, int, Uint, float, str, bytes, Timestamp, Duration})
_NUMBERS: Final = frozenset({int, Uint, float})
_KEYS: Final = frozenset({bool, int, Uint, float, str})


def no_overload(sign: str, left: Value, right: Value) -> failure.Failure:
    message = f"no such overload: {values.kind_of(left)} {sign} {values.kind_of(right)}"
    return failure.Failure(message, Code.TYPE, remedy=lambda: remedying.sides(left, right))


def add(left: Value, right: Value, meter: Meter) -> Value:
    cls, other = type(left), type(right)
    if cls is not other:
        if cls is Timestamp and other is Duration:
            return Timestamp(left.nanos + right.nanos)
        if cls is Duration and other is Timestamp:
            return Timestamp(left.nanos + right.nanos)
        raise no_overload("+", left, right)
    if cls is int or cls is float or cls is Uint:
        return _number(cls, left + right)
    if cls in _SIZED:
        meter.grow(len(left) + len(right))
        return left + right
    if cls is Duration:
        return Duration(left.nanos + right.nanos)
    raise no_overload("+", left, right)


def subtract(left: Value, right: Value, meter: Meter) -> Value:
    cls, other = type(left), type(right)
    if cls is other and cls in _NUMBERS:
        return _number(cls, int.__sub__(left, right) if cls is Uint else left - right)
    if cls is Timestamp and other is Duration:
        return Timestamp(left.nanos - right.nanos)
    if cls is other and (cls is Timestamp or cls is Duration):
        return Duration(left.nanos - right.nanos)
    raise no_overload("-", left, right)


def multiply(left: Value, right: Value, meter: Meter) -> Value:
    cls = type(left)
    if cls is type(right) and cls in _NUMBERS:
        return _number(cls, left * right)
    raise no_overload("*", left, right)


def divide(left: Value, right: Value, meter: Meter) -> Value:
    cls = type(left)
    if cls is not type(right) or cls not in _NUMBERS:
        raise no_overload("/", left, right)
    if cls is float:
        return _divide_doubles(left, right)
    if right == 0:
        raise failure.Failure("division by zero")
    quotient = abs(int(left)) // abs(int(right))
    return _number(cls, quotient if (left < 0) == (right < 0) else -quotient)


def _divide_doubles(left: float, right: float) -> float:
    if right:
        return left / right
    if left == 0 or math.isnan(left) or math.isnan(right):
        return math.nan if not math.isnan(right) or math.isnan(left) else right
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def remainder(left: Value, right: Value, meter: Meter) -> Value:
    """With the sign of the left side."""
    cls = type(left)
    if cls is not type(right) or (cls is not int and cls is not Uint):
        raise no_overload("%", left, right)
    if right == 0:
        raise failure.Failure("modulus by zero")
    if cls is int and right == -1 and left <= INT_MIN:
        raise failure.Failure("integer overflow")
    rest = abs(int(left)) % abs(int(right))
    return _number(cls, -rest if left < 0 else rest)


def negate(value: Value) -> Value:
    cls = type(value)
    if cls is int:
        return values.checked(-value)
    if cls is float:
        return -value
    raise failure.Failure(f"no such overload: -{values.kind_of(value)}", Code.TYPE)


def _number(cls: type, result: Value) -> Value:
    if cls is float:
        return result
    if cls is Uint:
        return Uint(result)
    if INT_MIN <= result <= INT_MAX:
        return result
    raise failure.Failure("integer overflow")


def _ordering(sign: str, holds: Callable[[Value, Value], bool]) -> Operator:
    def compare(left: Value, right: Value, meter: Meter) -> Value:
        cls, other = type(left), type(right)
        if (cls is other and cls in _ORDERED) or (cls in _NUMBERS and other in _NUMBERS):
            return holds(left, right)
        raise no_overload(sign, left, right)

    return compare


def equal(left: Value, right: Value, meter: Meter) -> Value:
    return values.equal(left, right, meter)


def differ(left: Value, right: Value, meter: Meter) -> Value:
    return not values.equal(left, right, meter)


def is_in(item: Value, container: Value, meter: Meter) -> Value:
    cls = values.class_of(container)
    if cls is list:
        for other in container:
            meter.step()
            if values.equal(item, other, meter):
                return True
        return False
    if (cls is dict or cls is Map) and values.class_of(item) in _KEYS:
        return values.find(container, item) is not values.MISSING
    raise no_overload("in", item, container)


BINARY: Final[dict[str, Operator]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
    "<": _ordering("<", operator.lt),
    "<=": _ordering("<=", operator.le),
    ">": _ordering(">", operator.gt),
    ">=": _ordering(">=", operator.ge),
    "==": equal,
    "!=": differ,
    "in": is_in,
}


def index(container: Value, key: Value) -> Value:
    """`container[key]`"""
    found = look_up(container, key)
    if found is not values.MISSING:
        return found
    if isinstance(container, list):
        raise failure.Failure(f"index {values.show_key(key)} is outside a list of {len(container)}", Code.REFERENCE)
    raise _no_key(container, values.show_key(key))


def _no_key(container: Value, name: str) -> failure.Failure:
    return failure.Failure(f"no such key: {name}", Code.REFERENCE, remedy=lambda: remedying.keys(name, container))


def look_up(container: Value, key: Value) -> Value:
    """The element at a key, or MISSING; a failure where there is no such kind of key."""
    cls = values.class_of(container)
    kind = values.class_of(key)
    if cls is list and kind in _NUMBERS:
        place = values.canonical_key(key)
        return container[place] if isinstance(place, int) and 0 <= place < len(container) else values.MISSING
    if (cls is dict or cls is Map) and kind in _KEYS:
        return values.find(container, key)
    raise failure.Failure(f"no such overload: {values.kind_of(container)}[{values.kind_of(key)}]", Code.TYPE)


def select(value: Value, name: str) -> Value:
    """`value.name`; on an optional value it gives an optional value."""
    cls = values.class_of(value)
    if cls is values.Optional:
        return select_optional(value, name)
    found = _field(value, cls, name)
    if found is values.MISSING:
        raise _no_key(value, name)
    return found


def select_optional(value: Value, name: str) -> values.Optional:
    """`value.?name`"""
    cls = values.class_of(value)
    if cls is values.Optional:
        return select_optional(value.value, name) if value.has_value else values.NONE
    found = _field(value, cls, name)
    return values.NONE if found is values.MISSING else values.Optional(found)


def has(value: Value, name: str) -> bool:
    """`has(value.name)`"""
    cls = values.class_of(value)
    if cls is values.Optional:
        return value.has_value and has(value.value, name)
    return _field(value, cls, name) is not values.MISSING


def _field(value: Value, cls: type, name: str) -> Value:
    if cls is dict or cls is Map:
        return values.find(value, name)
    raise failure.Failure(f"{values.kind_of(value)} has no field {name}", Code.TYPE)


def index_optional(container: Value, key: Value) -> values.Optional:
    """`container[?key]`, and `container[key]` of an optional container"""
    if isinstance(container, values.Optional):
        return index_optional(container.value, key) if container.has_value else values.NONE
    found = look_up(container, key)
    return values.NONE if found is values.MISSING else values.Optional(found)
