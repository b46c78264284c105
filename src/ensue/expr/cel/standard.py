"""The standard functions over strings, bytes, lists and maps, and over optional values."""

from typing import Final

from ensue.expr.cel import failure, functions, values
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.values import NONE, Optional, Value

STANDARD: Final = functions.Library("standard")
OPTIONALS: Final = functions.Library("optionals")

_SIZED: Final = "string|bytes|list|map"


@STANDARD.function("size", args=(_SIZED,), returns="int")
@STANDARD.function("size", receiver=_SIZED, returns="int")
def size(value: Value) -> int:
    """Of a string in code points."""
    return len(value)


@STANDARD.function("contains", receiver="string", args=("string",), returns="bool", metered=True)
def contains(meter: Meter, text: str, part: str) -> bool:
    meter.look(len(text))
    return part in text


@STANDARD.function("startsWith", receiver="string", args=("string",), returns="bool", metered=True)
def starts_with(meter: Meter, text: str, part: str) -> bool:
    meter.look(len(part))
    return text.startswith(part)


@STANDARD.function("endsWith", receiver="string", args=("string",), returns="bool", metered=True)
def ends_with(meter: Meter, text: str, part: str) -> bool:
    meter.look(len(part))
    return text.endswith(part)


@OPTIONALS.function("optional.of", args=("dyn",), returns="optional")
def optional_of(value: Value) -> Optional:
    return Optional(value)


@OPTIONALS.function("optional.ofNonZeroValue", args=("dyn",), returns="optional")
def optional_of_non_zero(value: Value) -> Optional:
    return NONE if _is_zero(value) else Optional(value)


@OPTIONALS.function("optional.none", returns="optional")
def optional_none() -> Optional:
    return NONE


@OPTIONALS.function("hasValue", receiver="optional", returns="bool")
def has_value(optional: Optional) -> bool:
    return optional.has_value


@OPTIONALS.function("value", receiver="optional")
def value(optional: Optional) -> Value:
    if optional.has_value:
        return optional.value
    raise failure.Failure("optional.none() dereference")


@OPTIONALS.function("or", receiver="optional", args=("optional",), returns="optional")
def or_optional(optional: Optional, other: Optional) -> Optional:
    return optional if optional.has_value else other


@OPTIONALS.function("orValue", receiver="optional", args=("dyn",))
def or_value(optional: Optional, other: Value) -> Value:
    return optional.value if optional.has_value else other


def _is_zero(value: Value) -> bool:
    if isinstance(value, values.Timestamp | values.Duration):
        return value.nanos == 0
    if isinstance(value, Optional):
        return not value.has_value
    if isinstance(value, values.Type):
        return False
    return len(value) == 0 if isinstance(value, values.Map) else not value
