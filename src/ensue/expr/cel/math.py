"""The math extension."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from ensue.expr.cel import failure, functions, values
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.values import Uint, Value
from ensue.expr.interface import Code

MATH: Final = functions.Library("math")

_BITS: Final = 64
_NUMBER: Final = "int|uint|double"
_NUMBERS: Final = frozenset({int, Uint, float})
_INTEGERS: Final = (("int", "int"), ("uint", "uint"))


@MATH.function("math.greatest", args=(_NUMBER,), returns=_NUMBER, metered=True, variadic=True)
def greatest(meter: Meter, *numbers: Value) -> Value:
    """The first of the greatest, as it was given."""
    return _choose(meter, numbers, lambda number, best: bool(number > best))


@MATH.function("math.greatest", args=("list",), returns=_NUMBER, metered=True)
def greatest_of_list(meter: Meter, numbers: Sequence[Value]) -> Value:
    return greatest(meter, *_numbers("math.greatest", numbers))


@MATH.function("math.least", args=(_NUMBER,), returns=_NUMBER, metered=True, variadic=True)
def least(meter: Meter, *numbers: Value) -> Value:
    return _choose(meter, numbers, lambda number, best: bool(number < best))


@MATH.function("math.least", args=("list",), returns=_NUMBER, metered=True)
def least_of_list(meter: Meter, numbers: Sequence[Value]) -> Value:
    return least(meter, *_numbers("math.least", numbers))


@MATH.function("math.ceil", args=("double",), returns="double")
def ceil(number: float) -> float:
    return math.copysign(math.ceil(number), number) if math.isfinite(number) else number


@MATH.function("math.floor", args=("double",), returns="double")
def floor(number: float) -> float:
    return math.copysign(math.floor(number), number) if math.isfinite(number) else number


@MATH.function("math.trunc", args=("double",), returns="double")
def trunc(number: float) -> float:
    return math.copysign(math.trunc(number), number) if math.isfinite(number) else number


@MATH.function("math.round", args=("double",), returns="double")
def round_(number: float) -> float:
    """Halves go away from zero."""
    whole = trunc(number)
    return whole + math.copysign(1.0, number) if abs(number - whole) >= 0.5 else whole


@MATH.function("math.abs", args=("int",), returns="int")
def abs_int(number: int) -> int:
    return values.checked(abs(number))


@MATH.function("math.abs", args=("uint",), returns="uint")
def abs_uint(number: Uint) -> Uint:
    return number


@MATH.function("math.abs", args=("double",), returns="double")
def abs_double(number: float) -> float:
    return abs(number)


@MATH.function("math.sign", args=("int",), returns="int")
def sign_int(number: int) -> int:
    return (number > 0) - (number < 0)


@MATH.function("math.sign", args=("uint",), returns="uint")
def sign_uint(number: Uint) -> Uint:
    return Uint(int(number > 0))


@MATH.function("math.sign", args=("double",), returns="double")
def sign_double(number: float) -> float:
    return number if math.isnan(number) else float((number > 0) - (number < 0))


@MATH.function("math.isNaN", args=("double",), returns="bool")
def is_nan(number: float) -> bool:
    return math.isnan(number)


@MATH.function("math.isInf", args=("double",), returns="bool")
def is_inf(number: float) -> bool:
    return math.isinf(number)


@MATH.function("math.isFinite", args=("double",), returns="bool")
def is_finite(number: float) -> bool:
    return math.isfinite(number)


@MATH.function("math.sqrt", args=(_NUMBER,), returns="double")
def sqrt(number: float) -> float:
    if number < 0:
        return math.nan
    try:
        return math.sqrt(number)
    except OverflowError as error:
        raise failure.Failure("integer overflow") from error


def _bitwise(name: str, combine: Callable[[int, int], int]) -> None:
    """Both arguments have one type, and so has the result."""

    def of_ints(left: int, right: int) -> int:
        return combine(left, right)

    def of_uints(left: Uint, right: Uint) -> Uint:
        return Uint(combine(left, right))

    MATH.function(name, args=("int", "int"), returns="int")(of_ints)
    MATH.function(name, args=("uint", "uint"), returns="uint")(of_uints)


_bitwise("math.bitAnd", int.__and__)
_bitwise("math.bitOr", int.__or__)
_bitwise("math.bitXor", int.__xor__)


@MATH.function("math.bitNot", args=("int",), returns="int")
def bit_not_int(number: int) -> int:
    return ~number


@MATH.function("math.bitNot", args=("uint",), returns="uint")
def bit_not_uint(number: Uint) -> Uint:
    return Uint(number ^ values.UINT_MAX)


@MATH.function("math.bitShiftLeft", args=("int", "int"), returns="int")
def shift_left_int(number: int, count: int) -> int:
    return _signed(_shift_left(number, count))


@MATH.function("math.bitShiftLeft", args=("uint", "int"), returns="uint")
def shift_left_uint(number: Uint, count: int) -> Uint:
    return Uint(_shift_left(number, count))


@MATH.function("math.bitShiftRight", args=("int", "int"), returns="int")
def shift_right_int(number: int, count: int) -> int:
    """Zeros come in from the left, for negative numbers too."""
    return _signed(_shift_right(number, count))


@MATH.function("math.bitShiftRight", args=("uint", "int"), returns="uint")
def shift_right_uint(number: Uint, count: int) -> Uint:
    return Uint(_shift_right(number, count))


def _shift_left(number: int, count: int) -> int:
    _check_shift("math.bitShiftLeft", count)
    return (number << count) & values.UINT_MAX if count < _BITS else 0


def _shift_right(number: int, count: int) -> int:
    _check_shift("math.bitShiftRight", count)
    return (number & values.UINT_MAX) >> count if count < _BITS else 0


def _check_shift(name: str, count: int) -> None:
    if count < 0:
        raise failure.Failure(f"{name}() negative offset: {values.show_int(count)}")


def _signed(number: int) -> int:
    return number - (1 << _BITS) if number > values.INT_MAX else number


def _choose(meter: Meter, numbers: Sequence[Value], is_better: Callable[[Value, Value], bool]) -> Value:
    meter.step(len(numbers))
    best = numbers[0]
    for number in numbers[1:]:
        if is_better(number, best):
            best = number
    return best


def _numbers(name: str, numbers: Sequence[Value]) -> Sequence[Value]:
    if not numbers:
        raise failure.Failure(f"{name}(list) argument must not be empty")
    for number in numbers:
        if values.class_of(number) not in _NUMBERS:
            raise failure.Failure(f"{name}(list) elements must be numbers, not {values.kind_of(number)}", Code.TYPE)
    return numbers
