"""The standard functions that turn one type into another."""

import math
import re
from typing import Final

from ensue.expr.cel import failure, functions, times, values
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.values import NANOS, Duration, Timestamp, Type, Uint, Value

CONVERSIONS: Final = functions.Library("conversions")

_INT: Final = re.compile(r"[+-]?\d{1,40}", re.ASCII)
_DOUBLE: Final = re.compile(r"(?ai)[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|inf|infinity|nan)")
_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_MAX_NUMBER: Final = 1000
_MAX_BITS: Final = 1024


@CONVERSIONS.function("int", args=("int|uint",), returns="int")
def int_of_int(number: int) -> int:
    return values.checked(int(number))


@CONVERSIONS.function("int", args=("double",), returns="int")
def int_of_double(number: float) -> int:
    """The ends of the range are out: as doubles they stand for numbers beyond it too."""
    whole = _truncated(number)
    return values.checked(whole if whole != values.INT_MIN else whole - 1)


@CONVERSIONS.function("int", args=("string",), returns="int")
def int_of_string(text: str) -> int:
    return values.checked(_read(text, "int"))


@CONVERSIONS.function("int", args=("timestamp",), returns="int")
def int_of_timestamp(timestamp: Timestamp) -> int:
    return timestamp.nanos // NANOS


@CONVERSIONS.function("uint", args=("int|uint",), returns="uint")
def uint_of_int(number: int) -> Uint:
    return Uint(number)


@CONVERSIONS.function("uint", args=("double",), returns="uint")
def uint_of_double(number: float) -> Uint:
    if number < 0:
        raise failure.Failure("unsigned integer overflow")
    return Uint(_truncated(number))


@CONVERSIONS.function("uint", args=("string",), returns="uint")
def uint_of_string(text: str) -> Uint:
    return Uint(_read(text, "uint"))


@CONVERSIONS.function("double", args=("int|uint|double",), returns="double")
def double_of_number(number: float) -> float:
    try:
        return float(number)
    except OverflowError as error:
        raise failure.Failure("the number is too large for a double") from error


@CONVERSIONS.function("double", args=("string",), returns="double")
def double_of_string(text: str) -> float:
    if len(text) <= _MAX_NUMBER and _DOUBLE.fullmatch(text):
        return float(text)
    raise failure.Failure(f"not a double: {text[:60]!r}")


@CONVERSIONS.function("bool", args=("bool",), returns="bool")
def bool_of_bool(value: bool) -> bool:
    return value


@CONVERSIONS.function("bool", args=("string",), returns="bool")
def bool_of_string(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise failure.Failure(f"not a bool: {text[:60]!r}")


@CONVERSIONS.function("string", args=("string",), returns="string")
def string_of_string(text: str) -> str:
    return text


@CONVERSIONS.function("string", args=("int|uint|bool",), returns="string")
def string_of_int(number: int) -> str:
    if number.bit_length() > _MAX_BITS:
        raise failure.Failure("the number has too many digits")
    return values.show_key(number)


@CONVERSIONS.function("string", args=("double",), returns="string")
def string_of_double(number: float) -> str:
    """The fewest digits that give the number back, with an exponent below 1e-4 and from 1e6."""
    if not math.isfinite(number):
        return str(number)
    mantissa, _, exponent = f"{number!r}".lower().partition("e")
    power = int(exponent or "0")
    sign, mantissa = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits.strip("0"):
        return sign + "0"
    power += len(whole) - 1 - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if power < -4 or power >= 6:
        point = "." if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{point}{digits[1:]}e{power:+03}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    digits = digits.ljust(power + 1, "0")
    point = "." if len(digits) > power + 1 else ""
    return f"{sign}{digits[: power + 1]}{point}{digits[power + 1 :]}"


@CONVERSIONS.function("string", args=("bytes",), returns="string", metered=True)
def string_of_bytes(meter: Meter, data: bytes) -> str:
    meter.grow(len(data))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise failure.Failure("the bytes are not valid UTF-8") from error


@CONVERSIONS.function("string", args=("timestamp",), returns="string")
def string_of_timestamp(timestamp: Timestamp) -> str:
    return times.format_timestamp(timestamp)


@CONVERSIONS.function("string", args=("duration",), returns="string")
def string_of_duration(duration: Duration) -> str:
    return times.format_duration(duration)


@CONVERSIONS.function("bytes", args=("string",), returns="bytes", metered=True)
def bytes_of_string(meter: Meter, text: str) -> bytes:
    meter.grow(len(text))
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise failure.Failure("half a surrogate pair is no Unicode character") from error


@CONVERSIONS.function("bytes", args=("bytes",), returns="bytes")
def bytes_of_bytes(data: bytes) -> bytes:
    return data


@CONVERSIONS.function("timestamp", args=("string",), returns="timestamp")
def timestamp_of_string(text: str) -> Timestamp:
    return times.parse_timestamp(text)


@CONVERSIONS.function("timestamp", args=("int",), returns="timestamp")
def timestamp_of_int(seconds: int) -> Timestamp:
    return Timestamp(seconds * NANOS)


@CONVERSIONS.function("timestamp", args=("timestamp",), returns="timestamp")
def timestamp_of_timestamp(timestamp: Timestamp) -> Timestamp:
    return timestamp


@CONVERSIONS.function("duration", args=("string",), returns="duration")
def duration_of_string(text: str) -> Duration:
    return times.parse_duration(text)


@CONVERSIONS.function("duration", args=("duration",), returns="duration")
def duration_of_duration(duration: Duration) -> Duration:
    return duration


@CONVERSIONS.function("dyn", args=("dyn",))
def dyn(value: Value) -> Value:
    return value


@CONVERSIONS.function("type", args=("dyn",), returns="type")
def type_of(value: Value) -> Type:
    return Type(values.type_name(value))


def _truncated(number: float) -> int:
    if math.isfinite(number):
        return int(number)
    raise failure.Failure("integer overflow")


def _read(text: str, kind: str) -> int:
    if not _INT.fullmatch(text):
        raise failure.Failure(f"not an {kind}: {text[:60]!r}")
    return int(text)
